//! The RPCs, one file each.

pub mod ack_notifications;
mod districts;
pub mod get_subscriber;
pub mod list_notifications;
pub mod list_subscribers;
pub mod list_subscriptions;
pub mod preview_subscription;
pub mod pull_notifications;
pub mod register_subscriber;
pub mod stream_notifications;
pub mod subscribe;
pub mod unsubscribe;

pub use ack_notifications::ack_notifications;
pub use get_subscriber::get_subscriber;
pub use list_notifications::list_notifications;
pub use list_subscribers::list_subscribers;
pub use list_subscriptions::list_subscriptions;
pub use preview_subscription::preview_subscription;
pub use pull_notifications::pull_notifications;
pub use register_subscriber::register_subscriber;
pub use stream_notifications::stream_notifications;
pub use subscribe::subscribe;
pub use unsubscribe::unsubscribe;

/// Cuts the one row too many that was read, and makes the token of the page after when there was
/// one.
fn next_page<T>(found: &mut Vec<T>, size: i64, token: impl FnOnce(&T) -> String) -> String {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if found.len() <= size {
        return String::new();
    }
    found.truncate(size);
    found.last().map_or_else(String::new, token)
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn a_full_page_without_a_row_after_it_is_the_last() {
        let mut rows = vec![1, 2];
        assert_eq!(next_page(&mut rows, 2, ToString::to_string), "");
        assert_eq!(next_page(&mut rows, 1, ToString::to_string), "1");
        assert_eq!(rows, [1]);
    }
}
