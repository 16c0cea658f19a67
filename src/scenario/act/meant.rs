//! Acts that name a component by what it is just now: `@leader`, `@servers:follower`, `@star`.

use crate::components::World;
use crate::scenario::condition::is_in;
use crate::scenario::schema;
use crate::scenario::tree::Tree;
use crate::sim::{NodeId, Status};

use super::Act;

/// What a name begins with that means whoever is in a state or a role.
const MEANS: char = '@';
/// The state of whoever has the star on the stage.
const STAR: &str = "star";

impl Act {
    /// The same act with names in the place of `@STATE` and `@GROUP:STATE`: the first component that is in this state or
    /// role now.
    ///
    /// # Errors
    /// A sentence, where nobody is.
    pub fn meant(&self, world: &World) -> Result<Act, String> {
        let Ok(mut tree) = Tree::from_json(&schema::json(self)) else { return Ok(self.clone()) };
        name_all(&mut tree, world)?;
        schema::read(&tree).map_err(|problems| problems.first().map_or(String::new(), ToString::to_string))
    }
}

/// What of a name must be the name of a node or a group: nothing of `@leader`, `servers` of `@servers:leader`.
pub(in crate::scenario) fn named_in(name: &str) -> Option<&str> {
    match name.strip_prefix(MEANS) {
        None => Some(name),
        Some(meant) => meant.split_once(':').map(|(group, _)| group),
    }
}

fn name_all(tree: &mut Tree, world: &World) -> Result<(), String> {
    match tree {
        Tree::Text(text) => {
            if let Some(meant) = text.strip_prefix(MEANS) {
                let id = find(meant, world).ok_or_else(|| format!("nobody is “{meant}” just now"))?;
                *text = world.name(id).to_owned();
            }
            Ok(())
        }
        Tree::List(all) => all.iter_mut().try_for_each(|one| name_all(one, world)),
        Tree::Fields(all) => all.iter_mut().try_for_each(|(_, one)| name_all(one, world)),
        _ => Ok(()),
    }
}

fn find(meant: &str, world: &World) -> Option<NodeId> {
    let (group, state) = meant.split_once(':').map_or((None, meant), |(group, state)| (Some(group), state));
    let here = |id: NodeId| group.is_none_or(|group| world.is_called(id, group));
    let fits = |node: &crate::components::Node| match state {
        STAR => node.status == Status::Up && node.look().star,
        // One that is down may still have the role on its disk.
        state => is_in(node, state) && (node.status == Status::Up || *node.look().role != *state),
    };
    world.nodes().find(|(id, node)| here(*id) && fits(node)).map(|(id, _)| id)
}
