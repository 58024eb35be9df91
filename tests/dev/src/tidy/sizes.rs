//! Sizes: what is longer than this is not read to its end.

use super::source::{Source, end_of_item, is_word};
use super::{Finding, Rule};

/// Production lines of a file: without tests, with comments.
const FILE_LINES: usize = 400;

/// Lines of a function, from its name to its closing brace.
const FUNCTION_LINES: usize = 70;

/// Lines of a `lib.rs`: what a crate is, not how it works.
const LIBRARY_LINES: usize = 100;

pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    // A test may hold a long table of cases or what an answer looks like: it is read row by row.
    if source.is_test() {
        return Vec::new();
    }
    let mut findings = functions(source);
    let lines = production_lines(source);
    let is_library = source.path.ends_with("/lib.rs");
    let limit = if is_library {
        LIBRARY_LINES
    } else {
        FILE_LINES
    };
    if lines > limit {
        let text = format!("{lines} production lines, {limit} are allowed");
        findings.push(Finding::new(source.path, 0, Rule::FileSize, text));
    }
    findings
}

/// Lines up to the last one of production code: comments and blanks among it count, since they are
/// read as well.
fn production_lines(source: &Source<'_>) -> usize {
    let lines: Vec<&str> = source.code.lines().collect();
    lines
        .iter()
        .rposition(|line| !line.trim().is_empty())
        .map_or(0, |last| last + 1)
}

fn functions(source: &Source<'_>) -> Vec<Finding> {
    let lines: Vec<&str> = source.code.lines().collect();
    let mut findings = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let length = end_of_item(&lines, index) - index;
        if length > FUNCTION_LINES {
            let text = format!("`{name}` has {length} lines, {FUNCTION_LINES} are allowed");
            findings.push(Finding::new(
                source.path,
                index + 1,
                Rule::FunctionSize,
                text,
            ));
        }
    }
    findings
}

/// The name of the function that a line begins.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let starts_a_word = !before.chars().next_back().is_some_and(is_word);
    let name = after.split(|letter: char| !is_word(letter)).next()?;
    (starts_a_word && !name.is_empty() && !before.contains(['=', ':'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Source::read(path, text))
    }

    #[test]
    fn finds_a_file_that_is_too_long() {
        let long = "const A: u8 = 1;\n".repeat(401);
        assert_eq!(
            findings("services/x/src/a.rs", &long)[0].rule,
            Rule::FileSize
        );
        assert!(findings("services/x/tests/a.rs", &long).is_empty());
        let fits = "const A: u8 = 1;\n".repeat(400);
        assert!(findings("services/x/src/a.rs", &fits).is_empty());
    }

    #[test]
    fn does_not_count_tests() {
        let inner = "    const A: u8 = 1;\n".repeat(500);
        let text = format!("fn a() {{}}\n\n#[cfg(test)]\nmod tests {{\n{inner}}}\n");
        assert!(findings("services/x/src/a.rs", &text).is_empty());
    }

    #[test]
    fn finds_a_library_file_that_explains_too_much() {
        let text = "mod a;\n".repeat(101);
        assert_eq!(
            findings("services/x/src/lib.rs", &text)[0].rule,
            Rule::FileSize
        );
    }

    #[test]
    fn finds_a_function_that_is_too_long_whatever_braces_its_texts_hold() {
        let body = "    call(\"}\");\n".repeat(69);
        let text =
            format!("pub(crate) async fn long(\n    a: u8,\n) {{\n{body}}}\nfn short() {{}}\n");
        let found = findings("services/x/src/a.rs", &text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].text.contains("`long` has 73 lines"),
            "{}",
            found[0].text
        );
    }
}
