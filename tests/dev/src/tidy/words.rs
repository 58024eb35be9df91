//! Words that do not belong where they stand.

use super::source::Source;
use super::{Finding, Rule};

/// What the city and the civil society talk about. A mechanism that knows one of these serves one
/// service only, and belongs there.
const BUSINESS_NOUNS: [&str; 13] = [
    "signatory",
    "signatories",
    "commitment",
    "organisation",
    "organization",
    "agreement",
    "proceeding",
    "proposal",
    "deliberation",
    "actionplan",
    "action_plan",
    "followup",
    "follow_up",
];

/// Rules over any text file.
pub(crate) fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Spelled apart, so that this file does not find itself.
    let unfinished = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    for (index, line) in text.lines().enumerate() {
        for word in unfinished {
            if contains_word(line, word) && !has_issue(line) {
                let text = format!("{word} without the number of an issue, as in {word}(#12)");
                findings.push(Finding::new(path, index + 1, Rule::Word, text));
            }
        }
    }
    findings
}

/// Rules over Rust.
pub(crate) fn check_source(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = source.path;
    if path.ends_with("/mod.rs") {
        let text = "a module is `name.rs` beside a folder `name`, not a `mod.rs`";
        findings.push(Finding::new(path, 0, Rule::Layout, text));
    }
    for (index, line) in source.code.lines().enumerate() {
        let squeezed: String = line.split_whitespace().collect();
        if squeezed.contains("#[allow(") || squeezed.contains("#![allow(") {
            let text = "`#[expect(…, reason = …)]` instead of `allow`: it ends with its cause";
            findings.push(Finding::new(path, index + 1, Rule::Word, text));
        }
    }
    let is_mechanism = ["services/platform/src/", "services/local-infra/src/"]
        .iter()
        .any(|room| path.starts_with(room));
    if is_mechanism && !source.is_test() {
        findings.extend(business_nouns(source));
    }
    findings
}

fn business_nouns(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in source.code_and_texts.lines().enumerate() {
        let lower = line.to_lowercase();
        for noun in BUSINESS_NOUNS {
            if lower.contains(noun) {
                let text = format!("a mechanism does not know `{noun}`");
                findings.push(Finding::new(
                    source.path,
                    index + 1,
                    Rule::BusinessNoun,
                    text,
                ));
            }
        }
    }
    findings
}

fn contains_word(line: &str, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

fn has_issue(line: &str) -> bool {
    line.match_indices('#').any(|(start, _)| {
        line[start + 1..]
            .chars()
            .next()
            .is_some_and(|letter| letter.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_unfinished_work_without_an_issue() {
        let unfinished = format!("// {}: later\n", concat!("TO", "DO"));
        assert_eq!(check_text("a.py", &unfinished).len(), 1);
        let with_issue = format!("// {}(#12): later\n", concat!("TO", "DO"));
        assert!(check_text("a.py", &with_issue).is_empty());
        assert!(check_text("a.py", "MASTODON").is_empty());
    }

    #[test]
    fn finds_allow_and_module_files() {
        let source = Source::read(
            "services/x/src/a/mod.rs",
            "#[ allow (dead_code)]\nfn f() {}\n",
        );
        let rules: Vec<Rule> = check_source(&source).into_iter().map(|f| f.rule).collect();
        assert_eq!(rules, [Rule::Layout, Rule::Word]);
    }

    #[test]
    fn finds_business_nouns_in_the_platform_alone() {
        let text = "// a signatory\nfn list_signatories() { \"agreements/1\" }\n";
        let found = check_source(&Source::read("services/platform/src/a.rs", text));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|finding| finding.line == 2));
        assert!(check_source(&Source::read("services/registry/src/a.rs", text)).is_empty());
        assert!(check_source(&Source::read("services/platform/src/testing.rs", text)).is_empty());
    }
}
