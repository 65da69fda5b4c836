//! The engines that look at objects and report what they see; they know no policy.
