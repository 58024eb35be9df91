//! The README's tables say what the contracts say.

use std::{fs, path::Path};

#[test]
fn the_readme_lists_every_rpc_and_every_event() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))
        .expect("README");
    for service in handslag_proto::pool()
        .services()
        .filter(|s| s.package_name().starts_with("handslag."))
    {
        let short = service.package_name().split('.').nth(1).expect("a service");
        for method in service.methods() {
            let row = format!("| `{}` | {short} |", method.name());
            assert!(readme.contains(&row), "{row}");
        }
    }
    for event in handslag_proto::event_types() {
        let row = format!("| `{}` | {} |", event.r#type, event.service);
        assert!(readme.contains(&row), "{row}");
    }
}
