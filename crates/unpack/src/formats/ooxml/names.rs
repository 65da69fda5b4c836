//! Names of the parts of a package (ECMA-376 part 2), as far as programs compare them.

/// A part's name as packages compare them: from the root, in lower case, with plain slashes.
pub fn normal(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

/// The part that a part of relationships belongs to: `word/_rels/document.xml.rels` to
/// `word/document.xml`; `None` for a part that holds none.
pub fn owner(name: &str) -> Option<String> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let file = file.strip_suffix(".rels")?;
    Some(format!("{}{file}", folder.strip_suffix("_rels")?))
}

/// A target as seen from a part.
pub fn resolve(part: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if target.starts_with('/') {
        return normal(&target);
    }
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." | "" => {}
            step => steps.push(step),
        }
    }
    normal(&steps.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_seen_from_their_part() {
        assert_eq!(owner("word/_rels/document.xml.rels").as_deref(), Some("word/document.xml"));
        assert_eq!(owner("_rels/.rels").as_deref(), Some(""));
        assert_eq!(owner("word/document.xml.rels"), None);
        assert_eq!(resolve("xl/worksheets/sheet1.xml", "../media/A.png"), "xl/media/a.png");
        assert_eq!(resolve("", "xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolve("xl/workbook.xml", "/xl/Sheet.xml"), "xl/sheet.xml");
        assert_eq!(resolve("a/b", "../../../../c"), "c");
    }
}
