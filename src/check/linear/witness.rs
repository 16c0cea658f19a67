//! One order of a register's values that time allows, and whether every comparison that failed fits into it. There may be
//! others: where it does not fit, that says nothing.

use super::history::{NEVER, Operation};
use super::model::Action;
use super::value::Value;

/// A cluster of operations around one write, by their steps: see [`super::quick`].
pub(super) struct Cluster {
    /// Earliest return and latest call of all of them. Where the first is before the second nothing else fits between.
    pub(super) returned: u32,
    pub(super) invoked: u32,
    /// What each value of it is, and just before which return it is put there at the latest; in their order.
    pub(super) values: Vec<(Value, u32)>,
}

/// The values of a cluster, from its operations in the order of their steps: each is put there as late as the operations
/// from it on allow.
pub(super) fn values(operations: &[&Operation]) -> Vec<(Value, u32)> {
    let mut latest = NEVER;
    let mut found: Vec<(Value, u32)> = Vec::new();
    for one in operations.iter().rev() {
        latest = latest.min(one.returned);
        found.extend(one.action.puts().map(|value| (value, latest)));
    }
    found.retain(|(_, latest)| *latest != NEVER);
    found.reverse();
    found
}

/// Whether every comparison that failed meets another value than its own, where the clusters stand one after another as
/// late as each can. They must be such that they can.
pub(super) fn fits(initial: Value, clusters: &[Cluster], refused: &[Operation]) -> bool {
    let mut apart: Vec<(u32, u32)> = clusters
        .iter()
        .filter(|cluster| cluster.returned < cluster.invoked)
        .map(|cluster| (cluster.returned, cluster.invoked))
        .collect();
    apart.sort_unstable();
    // Just before which instant, and among those of one instant in which order, what is put there.
    let mut course: Vec<((u32, u32), usize, Value)> = vec![((0, 0), 0, initial)];
    for (place, cluster) in clusters.iter().enumerate() {
        let alone = cluster.returned < cluster.invoked;
        let around = apart.partition_point(|(from, _)| *from < cluster.returned).checked_sub(1).map(|at| apart[at]);
        for (value, latest) in &cluster.values {
            let at = match around {
                // It is over right after its last call: whatever comes next may come at once.
                _ if alone && *latest > cluster.invoked => (cluster.invoked + 1, 0),
                _ if alone => (*latest, 2),
                // One whose operations all overlap stands at one point: before a cluster that it would stand within.
                Some((from, until)) if cluster.returned < until => (from, 1),
                _ => (cluster.returned, 2),
            };
            course.push((at, place, *value));
        }
    }
    // What is alike stays in its order: the steps of one cluster.
    let mut order: Vec<usize> = (0..course.len()).collect();
    order.sort_unstable_by_key(|at| (course[*at].0, course[*at].1, *at));
    refused.iter().all(|one| {
        let Action::CasFailed(value) = one.action else { return true };
        let before = order.partition_point(|at| course[*at].0.0 <= one.invoked);
        let until = order.partition_point(|at| course[*at].0.0 <= one.returned);
        order[before.saturating_sub(1)..until].iter().any(|at| course[*at].2 != value)
    })
}
