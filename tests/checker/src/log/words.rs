//! Words that repeat, each kept once.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::ids::QuickHasher;

type WordMap = HashMap<Box<str>, u32, BuildHasherDefault<QuickHasher>>;

/// Words by number and numbers by word.
#[derive(Debug, Default)]
pub(crate) struct Words {
    numbers: WordMap,
    words: Vec<Box<str>>,
}

impl Words {
    /// The number of a word, a new one if need be.
    pub(crate) fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.numbers.insert(word.into(), number);
        self.words.push(word.into());
        number
    }

    /// The number of a word that was given one.
    pub(crate) fn find(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied()
    }

    /// All words, by number.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(AsRef::as_ref)
    }

    /// The word of a number that this has given.
    pub(crate) fn word(&self, number: u32) -> &str {
        self.words.get(number as usize).map_or("", AsRef::as_ref)
    }
}

/// Numbers of pairs of a type and an id.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    /// A map for each type, so that looking one up copies no text.
    numbers: Vec<WordMap>,
    count: u32,
}

impl Pairs {
    /// The number of a pair, the next one if need be.
    pub(crate) fn number(&mut self, r#type: u32, id: &str) -> u32 {
        let r#type = r#type as usize;
        if r#type >= self.numbers.len() {
            self.numbers.resize_with(r#type + 1, WordMap::default);
        }
        let of_type = &mut self.numbers[r#type];
        if let Some(number) = of_type.get(id) {
            return *number;
        }
        let number = self.count;
        of_type.insert(id.into(), number);
        self.count += 1;
        number
    }

    /// The number of a pair that was given one.
    pub(crate) fn find(&self, r#type: u32, id: &str) -> Option<u32> {
        self.numbers.get(r#type as usize)?.get(id).copied()
    }
}
