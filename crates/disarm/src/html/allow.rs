//! What a page and a picture may hold, as lists of words. What is not listed is not written.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The words of a list, to look them up.
type Words = LazyLock<BTreeSet<&'static [u8]>>;

/// Elements of HTML that are written. Others lose their tags; what stands in them stays, but for raw text.
static ELEMENTS: Words = LazyLock::new(|| {
    words(
        "a abbr acronym address area article aside b bdi bdo big blockquote body br caption center \
    cite code col colgroup dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 head \
    header hr html i img ins kbd li main map mark menu nav nobr ol p pre q rp rt ruby s samp section small span strike \
    strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr",
    )
});
/// Those of them without content.
const VOID: &str = "area br col hr img wbr";
/// Attributes of HTML that are written, on every element. Addresses and styles are looked at apart.
static ATTRIBUTES: Words = LazyLock::new(|| {
    words(
        "abbr align alink alt axis bgcolor border bordercolor cellpadding cellspacing char charoff \
    class clear color cols colspan compact coords datetime dir face frame headers height hidden hspace id ismap lang \
    leftmargin link marginheight marginwidth name noshade nowrap open rel reversed role rows rowspan rules scope shape \
    size span start summary target text title topmargin type usemap valign value vlink vspace width",
    )
});
/// Names of `meta` that say how a page is shown.
const META: &str = "author color-scheme description format-detection keywords supported-color-schemes viewport \
    x-apple-disable-message-reformatting";
/// Elements of SVG that are written; others go with all that is in them.
static SHAPES: Words = LazyLock::new(|| {
    words(
        "a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite \
    feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG \
    feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile \
    feTurbulence filter g image line linearGradient marker mask path pattern polygon polyline radialGradient rect stop \
    style svg switch symbol text textPath title tspan use view",
    )
});
/// Those of them whose text is shown or read out.
const TEXTUAL: &str = "text title desc";
/// Attributes of SVG that are written. Addresses and styles are looked at apart.
static SHAPE_ATTRIBUTES: Words = LazyLock::new(|| {
    words(
        "aria-label aria-hidden baseProfile class clipPathUnits cx cy d dx dy enable-background \
    exponent fx fy gradientTransform gradientUnits height id in in2 intercept k1 k2 k3 k4 kernelMatrix kernelUnitLength \
    lang lengthAdjust markerHeight markerUnits markerWidth maskContentUnits maskUnits mode numOctaves offset operator \
    order orient patternContentUnits patternTransform patternUnits pathLength points preserveAspectRatio primitiveUnits \
    r radius refX refY result role rotate rx ry scale seed slope spreadMethod startOffset stdDeviation stitchTiles \
    surfaceScale specularConstant specularExponent tableValues target textLength transform type values version viewBox \
    width x x1 x2 xChannelSelector xml:lang xml:space y y1 y2 yChannelSelector z",
    )
});
/// Properties of styles that are written; in SVG they are attributes as well.
static PROPERTIES: Words = LazyLock::new(|| {
    words(
        "alignment-baseline azimuth background background-attachment background-clip background-color \
    background-image background-origin background-position background-repeat background-size baseline-shift border \
    border-bottom border-bottom-color border-bottom-left-radius border-bottom-right-radius border-bottom-style \
    border-bottom-width border-collapse border-color border-left border-left-color border-left-style border-left-width \
    border-radius border-right border-right-color border-right-style border-right-width border-spacing border-style \
    border-top border-top-color border-top-left-radius border-top-right-radius border-top-style border-top-width \
    border-width bottom box-shadow box-sizing caption-side clear clip clip-path clip-rule color color-adjust \
    color-interpolation color-interpolation-filters color-scheme column-count column-gap column-rule column-width columns \
    content cursor direction display dominant-baseline empty-cells fill fill-opacity fill-rule filter flex flex-basis \
    flex-direction flex-flow flex-grow flex-shrink flex-wrap float flood-color flood-opacity font font-family \
    font-feature-settings font-kerning font-size font-size-adjust font-stretch font-style font-variant font-weight gap \
    height hyphens justify-content align-items align-content align-self left letter-spacing lighting-color line-break \
    line-height list-style list-style-image list-style-position list-style-type margin margin-bottom margin-left \
    margin-right margin-top marker marker-end marker-mid marker-start mask max-height max-width min-height min-width \
    mix-blend-mode object-fit object-position opacity order orphans outline outline-color outline-offset outline-style \
    outline-width overflow overflow-wrap overflow-x overflow-y padding padding-bottom padding-left padding-right \
    padding-top page page-break-after page-break-before page-break-inside paint-order pointer-events position quotes \
    resize right row-gap ruby-align shape-rendering size stop-color stop-opacity stroke stroke-dasharray \
    stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width tab-interval tab-size \
    table-layout text-align text-align-last text-anchor text-autospace text-combine-upright text-decoration \
    text-decoration-color text-decoration-line text-decoration-style text-indent text-justify text-overflow \
    text-rendering text-shadow text-size-adjust text-transform text-underline text-underline-offset top transform \
    transform-origin unicode-bidi vector-effect vertical-align visibility white-space widows width word-break \
    word-spacing word-wrap writing-mode z-index",
    )
});
/// What some programs put in front of a property.
const PREFIXES: [&str; 3] = ["-webkit-", "-ms-", "-moz-"];
/// Functions of styles that are written, beside `url`.
static FUNCTIONS: Words = LazyLock::new(|| {
    words(
        "rgb rgba hsl hsla calc min max clamp var linear-gradient radial-gradient \
    repeating-linear-gradient repeating-radial-gradient matrix translate translatex translatey scale scalex scaley rotate \
    skewx skewy cubic-bezier blur brightness contrast drop-shadow grayscale invert opacity saturate sepia rect counter attr",
    )
});

fn words(list: &'static str) -> BTreeSet<&'static [u8]> {
    list.split_ascii_whitespace().map(str::as_bytes).collect()
}

fn has(list: &str, word: &[u8]) -> bool {
    list.split_ascii_whitespace().any(|known| known.as_bytes() == word)
}

/// Whether an element of HTML is written; its name in lower case.
pub(super) fn element(name: &[u8]) -> bool {
    ELEMENTS.contains(name)
}

/// Whether an element of HTML has no content.
pub(super) fn is_void(name: &[u8]) -> bool {
    has(VOID, name)
}

/// Whether an attribute of HTML is written that holds neither an address nor a style; in lower case.
pub(super) fn attribute(name: &[u8]) -> bool {
    let spoken = name.strip_prefix(b"aria-").is_some_and(|rest| rest.iter().all(u8::is_ascii_lowercase));
    spoken || ATTRIBUTES.contains(name)
}

/// Whether `meta` of this name is written; in lower case.
pub(super) fn meta(name: &[u8]) -> bool {
    has(META, name)
}

/// Whether an element of SVG is written; without a prefix.
pub(super) fn shape(name: &[u8]) -> bool {
    SHAPES.contains(name)
}

/// Whether text in an element of SVG is written.
pub(super) fn is_textual(name: &[u8]) -> bool {
    has(TEXTUAL, name)
}

/// Whether an attribute of SVG is written as it is.
pub(super) fn shape_attribute(name: &[u8]) -> bool {
    SHAPE_ATTRIBUTES.contains(name)
}

/// Whether a property of a style is written; in lower case.
pub(super) fn property(name: &[u8]) -> bool {
    let bare = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix.as_bytes())).unwrap_or(name);
    let office =
        name.strip_prefix(b"mso-").is_some_and(|rest| rest.iter().all(|b| b.is_ascii_lowercase() || *b == b'-'));
    office || PROPERTIES.contains(bare)
}

/// Whether a function of a style is written; in lower case.
pub(super) fn function(name: &[u8]) -> bool {
    let bare = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix.as_bytes())).unwrap_or(name);
    FUNCTIONS.contains(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_is_on_a_list() {
        for name in ["script", "iframe", "object", "embed", "form", "input", "base", "svg", "math", "link", "meta", ""]
        {
            assert!(!element(name.as_bytes()), "{name}");
        }
        for name in ["script", "foreignObject", "set", "animate", "handler", "iframe", "metadata", "feImage"] {
            assert!(!shape(name.as_bytes()), "{name}");
        }
        for name in ["onload", "srcdoc", "formaction", "action", "ping", "href", "src", "style", "xmlns", "http-equiv"]
        {
            assert!(!attribute(name.as_bytes()) && !shape_attribute(name.as_bytes()), "{name}");
        }
        for name in ["behavior", "-moz-binding", "src", "-ms-behavior"] {
            assert!(!property(name.as_bytes()), "{name}");
        }
        assert!(!function(b"expression") && !function(b"url") && !function(b"image-set"));
        assert!(property(b"mso-line-height-rule") && property(b"-webkit-text-size-adjust") && attribute(b"aria-label"));
    }
}
