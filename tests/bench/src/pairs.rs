//! A, B, A, B: two measurements that see the same machine.

use anyhow::ensure;

/// Runs both sides `pairs` times, in turns. The sides change the order from pair to pair, so that
/// what grows over a run (tables, heat, caches) favours neither.
///
/// # Errors
/// The first of either side, or a measurement that is no number.
pub(crate) async fn alternate<A, B>(
    pairs: usize,
    mut above: A,
    mut below: B,
) -> anyhow::Result<Vec<(f64, f64)>>
where
    A: AsyncFnMut() -> anyhow::Result<f64>,
    B: AsyncFnMut() -> anyhow::Result<f64>,
{
    let [pairs] = alternate_all(
        pairs,
        async || above().await.map(|one| [one]),
        async || below().await.map(|one| [one]),
    )
    .await?;
    Ok(pairs)
}

/// As [`alternate`], for sides that measure several quantities at once: the pairs of each.
///
/// # Errors
/// As [`alternate`].
pub(crate) async fn alternate_all<const N: usize, A, B>(
    pairs: usize,
    mut above: A,
    mut below: B,
) -> anyhow::Result<[Vec<(f64, f64)>; N]>
where
    A: AsyncFnMut() -> anyhow::Result<[f64; N]>,
    B: AsyncFnMut() -> anyhow::Result<[f64; N]>,
{
    let mut measured = [const { Vec::new() }; N];
    for pair in 0..pairs {
        let (ours, theirs) = if pair % 2 == 0 {
            let ours = above().await?;
            (ours, below().await?)
        } else {
            let theirs = below().await?;
            (above().await?, theirs)
        };
        for value in ours.into_iter().chain(theirs) {
            ensure!(value.is_finite() && value > 0.0, "a side measured {value}");
        }
        for (quantity, pair) in measured.iter_mut().zip(ours.into_iter().zip(theirs)) {
            quantity.push(pair);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::alternate;

    #[tokio::test]
    async fn the_sides_take_turns_at_being_first() {
        let order = RefCell::new(String::new());
        let side = |name: char, value: f64| {
            order.borrow_mut().push(name);
            Ok(value)
        };
        let pairs = alternate(3, async || side('a', 1.0), async || side('b', 2.0)).await;
        assert_eq!(pairs.expect("measured"), vec![(1.0, 2.0); 3]);
        assert_eq!(order.into_inner(), "abbaab");
    }

    #[tokio::test]
    async fn a_side_that_did_nothing_is_no_result() {
        let pairs = alternate(1, async || Ok(0.0), async || Ok(2.0)).await;
        assert!(pairs.is_err());
    }
}
