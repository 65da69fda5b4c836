//! Node configuration and policy files: one definition a setting.
