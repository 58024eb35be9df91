//! Rebuilds when a migration changes: `sqlx::migrate!` embeds them and the compiler does not see
//! the folder.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
