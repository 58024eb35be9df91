//! Exceptions from the rules, each with its reason. The list may only shrink.

use super::{Finding, Rule};

/// File, rule, reason.
type Exception = (&'static str, Rule, &'static str);

/// Why the platform's access control may say `organisation`.
const CALLER: &str = "for whom a caller speaks is a claim of the city's identity provider, and the \
                      rule `own` compares it without knowing what it is";

const EXCEPTIONS: [Exception; 4] = [
    ("services/platform/src/auth.rs", Rule::BusinessNoun, CALLER),
    (
        "services/platform/src/auth/rules.rs",
        Rule::BusinessNoun,
        CALLER,
    ),
    (
        "services/platform/src/auth/token.rs",
        Rule::BusinessNoun,
        CALLER,
    ),
    (
        "services/platform/src/dev_issuer.rs",
        Rule::BusinessNoun,
        CALLER,
    ),
];

/// Takes out what is excepted, and adds a finding for every exception that nothing needs.
pub(crate) fn apply(findings: Vec<Finding>) -> Vec<Finding> {
    apply_list(findings, &EXCEPTIONS)
}

fn apply_list(findings: Vec<Finding>, exceptions: &[Exception]) -> Vec<Finding> {
    let covers = |exception: &Exception, finding: &Finding| {
        finding.path == exception.0 && finding.rule == exception.1
    };
    let stale: Vec<Finding> = exceptions
        .iter()
        .filter(|exception| !findings.iter().any(|finding| covers(exception, finding)))
        .map(|(path, rule, _)| {
            let text = format!("needs no exception from {rule:?} any more: remove it");
            Finding::new(path, 0, Rule::StaleException, text)
        })
        .collect();
    let kept = findings.into_iter().filter(|finding| {
        !exceptions
            .iter()
            .any(|exception| covers(exception, finding))
    });
    kept.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_out_what_is_excepted_and_nothing_else() {
        let finding = |path, rule| Finding::new(path, 1, rule, "x");
        let findings = vec![
            finding("a.rs", Rule::FileSize),
            finding("a.rs", Rule::Word),
            finding("b.rs", Rule::FileSize),
        ];
        let kept = apply_list(findings, &[("a.rs", Rule::FileSize, "because")]);
        let kept: Vec<(&str, Rule)> = kept.iter().map(|f| (f.path.as_str(), f.rule)).collect();
        assert_eq!(kept, [("a.rs", Rule::Word), ("b.rs", Rule::FileSize)]);
    }

    #[test]
    fn finds_an_exception_that_nothing_needs() {
        let left = apply_list(Vec::new(), &[("a.rs", Rule::FileSize, "because")]);
        assert_eq!(left[0].rule, Rule::StaleException);
    }

    #[test]
    fn gives_a_reason_for_every_exception() {
        assert!(EXCEPTIONS.iter().all(|(_, _, reason)| reason.len() > 20));
    }
}
