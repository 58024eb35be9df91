//! A Rust file as the rules see it: its code without texts and comments, its production part, the
//! paths that it names.

/// One file.
pub(crate) struct Source<'a> {
    /// Relative to the root, with `/`.
    pub(crate) path: &'a str,
    /// The code, line by line as in the file, with comments and texts replaced by blanks.
    pub(crate) code: String,
    /// The same with the texts kept.
    pub(crate) code_and_texts: String,
}

impl<'a> Source<'a> {
    /// Reads a file.
    pub(crate) fn read(path: &'a str, text: &str) -> Self {
        let (code, code_and_texts) = mask(text);
        let tests = test_ranges(&code);
        Self {
            path,
            code: blank(&code, &tests),
            code_and_texts: blank(&code_and_texts, &tests),
        }
    }

    /// Whether it is compiled only for tests, examples or the build.
    pub(crate) fn is_test(&self) -> bool {
        ["/tests/", "/benches/", "/testing/"]
            .iter()
            .any(|folder| self.path.contains(folder))
            || self.path.ends_with("/testing.rs")
            || self.path.starts_with("tests/src/")
    }

    /// Every path that the code names, with its line: `use` trees spread out, and paths in
    /// expressions as they stand.
    pub(crate) fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut paths = Vec::new();
        let tokens = tokens(&self.code);
        let mut index = 0;
        while index < tokens.len() {
            index = if tokens[index].1 == "use" {
                spread(&tokens, index + 1, &[], &mut paths)
            } else {
                plain(&tokens, index, &mut paths)
            };
        }
        paths
    }
}

type Token = (usize, String);

/// Words and `::`, everything else as single letters.
fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest
                .find(|letter: char| !is_word(letter))
                .unwrap_or(rest.len());
            let end = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                end => end,
            };
            tokens.push((number + 1, rest[..end].to_owned()));
            rest = rest[end..].trim_start();
        }
    }
    tokens
}

/// Spreads a `use` tree; answers the index after it.
fn spread(
    tokens: &[Token],
    mut index: usize,
    prefix: &[String],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some((line, token)) = tokens.get(index) {
        index += 1;
        match token.as_str() {
            "{" => {
                index = spread(tokens, index, &path, paths);
                // Its branches are told; the stem alone names nothing.
                path = prefix.to_vec();
            }
            "," | "}" | ";" => {
                if path.len() > prefix.len() {
                    paths.push((*line, path));
                }
                if token != "," {
                    return index;
                }
                path = prefix.to_vec();
            }
            "::" => {}
            "as" => index += 1,
            word => path.push(word.to_owned()),
        }
    }
    index
}

/// Reads `a::b::c` outside of a `use`; answers the index after it.
fn plain(tokens: &[Token], mut index: usize, paths: &mut Vec<(usize, Vec<String>)>) -> usize {
    let (line, first) = &tokens[index];
    let mut path = vec![first.clone()];
    index += 1;
    while tokens.get(index).is_some_and(|(_, token)| token == "::") {
        match tokens.get(index + 1) {
            Some((_, word)) if word.starts_with(is_word) => path.push(word.clone()),
            _ => break,
        }
        index += 2;
    }
    if path.len() > 1 {
        paths.push((*line, path));
    }
    index
}

pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Replaces comments (first answer: texts too) by blanks; every line stays where it is.
fn mask(text: &str) -> (String, String) {
    let letters: Vec<char> = text.chars().collect();
    let (mut code, mut with_texts) = (String::new(), String::new());
    let mut index = 0;
    while index < letters.len() {
        let Some((end, is_comment)) = span_at(&letters, index) else {
            code.push(letters[index]);
            with_texts.push(letters[index]);
            index += 1;
            continue;
        };
        for letter in &letters[index..end] {
            let blank = if *letter == '\n' { '\n' } else { ' ' };
            code.push(blank);
            with_texts.push(if is_comment { blank } else { *letter });
        }
        index = end;
    }
    (code, with_texts)
}

/// The end of the comment or text that begins here, and whether it is a comment.
fn span_at(letters: &[char], start: usize) -> Option<(usize, bool)> {
    let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
    match (at(start), at(start + 1)) {
        ('/', '/') => {
            let length = letters[start..].iter().position(|letter| *letter == '\n');
            Some((length.map_or(letters.len(), |length| start + length), true))
        }
        ('/', '*') => Some((end_of_block(letters, start), true)),
        ('"', _) => Some((end_of_text(letters, start + 1, '"'), false)),
        ('r', '"' | '#') if start == 0 || !is_word(at(start - 1)) || at(start - 1) == 'b' => {
            end_of_raw(letters, start + 1).map(|end| (end, false))
        }
        // A lifetime has no second quote mark behind its first letter.
        ('\'', '\\') => Some((end_of_text(letters, start + 1, '\''), false)),
        ('\'', _) if at(start + 2) == '\'' => Some((start + 3, false)),
        _ => None,
    }
}

fn end_of_block(letters: &[char], start: usize) -> usize {
    let (mut depth, mut index) = (0, start);
    while index + 1 < letters.len() {
        match (letters[index], letters[index + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if depth == 0 {
            return index;
        }
    }
    letters.len()
}

fn end_of_text(letters: &[char], mut index: usize, quote: char) -> usize {
    while index < letters.len() {
        match letters[index] {
            '\\' => index += 1,
            letter if letter == quote => return index + 1,
            _ => {}
        }
        index += 1;
    }
    letters.len()
}

fn end_of_raw(letters: &[char], mut index: usize) -> Option<usize> {
    let hashes = letters[index..]
        .iter()
        .take_while(|letter| **letter == '#')
        .count();
    index += hashes;
    if letters.get(index) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let found = letters[index + 1..]
        .windows(end.len())
        .position(|window| window == end);
    Some(found.map_or(letters.len(), |length| index + 1 + length + end.len()))
}

/// The lines (from 0, end exclusive) of every item under `#[cfg(test)]`.
fn test_ranges(code: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut ranges = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index].trim();
        if line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test") {
            let end = end_of_item(&lines, index);
            ranges.push((index, end));
            index = end;
        } else {
            index += 1;
        }
    }
    ranges
}

/// The line after the item that begins here: after its closing brace, or its semicolon when that
/// comes first.
pub(crate) fn end_of_item(lines: &[&str], start: usize) -> usize {
    let (mut depth, mut round) = (0_i32, 0_i32);
    for (index, line) in lines.iter().enumerate().skip(start) {
        for letter in line.chars() {
            match letter {
                '(' | '[' => round += 1,
                ')' | ']' => round -= 1,
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        return index + 1;
                    }
                }
                ';' if depth == 0 && round == 0 => return index + 1,
                _ => {}
            }
        }
    }
    lines.len()
}

fn blank(code: &str, ranges: &[(usize, usize)]) -> String {
    let mut text = String::new();
    for (index, line) in code.lines().enumerate() {
        if !ranges
            .iter()
            .any(|(start, end)| (*start..*end).contains(&index))
        {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::read("a.rs", text).code
    }

    #[test]
    fn keeps_neither_comments_nor_texts() {
        let text =
            "let a = \"x { // no\"; // b\n/* c /* d */ e */ let f = r#\"g\"h\"#; let i = '{';\n";
        let code = code(text);
        for gone in ["x", "b", "c", "d", "g", "h", "{"] {
            assert!(!code.contains(gone), "{gone} in {code}");
        }
        assert!(code.contains("let f") && code.contains("let i"));
        assert!(
            Source::read("a.rs", text)
                .code_and_texts
                .contains("x { // no")
        );
    }

    #[test]
    fn takes_a_lifetime_for_no_text() {
        assert!(code("fn f<'a>(x: &'a str) { g('\\'', x) }").contains("str) { g("));
    }

    #[test]
    fn leaves_out_what_is_for_tests_alone() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let code = code(text);
        assert!(code.contains("fn a") && code.contains("fn c") && !code.contains("fn b"));
        assert_eq!(code.lines().count(), 6);
    }

    #[test]
    fn spreads_use_trees() {
        let text =
            "use crate::{domain::Area, store::{self, areas}};\nfn f() { crate::rpc::go() }\n";
        let paths = Source::read("a.rs", text).paths();
        let joined: Vec<String> = paths.iter().map(|(_, path)| path.join("::")).collect();
        for path in [
            "crate::domain::Area",
            "crate::store::areas",
            "crate::rpc::go",
        ] {
            assert!(joined.contains(&path.to_owned()), "{path} in {joined:?}");
        }
        assert!(!joined.contains(&"crate".to_owned()), "{joined:?}");
        assert_eq!(paths.last().unwrap().0, 2);
    }
}
