//! Acts of deeds, which name a component by what it is just now: `@leader`, `@servers:follower`, `@star`.

use crate::components::World;
use crate::scenario::condition::is_in;
use crate::scenario::schema::{self, Reader, Schema};
use crate::scenario::{Problem, Tree};
use crate::sim::{NodeId, Status};

use super::Act;

/// What a name begins with that means whoever is in a state or a role.
const MEANS: char = '@';
/// The state of whoever has the star on the stage.
const STAR: &str = "star";

/// An act that is yet to be done, as it was written: a name in it may be `@STATE` or `@GROUP:STATE`, the first component
/// that is in this state or role then. The page that opens need not know how acts are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Meant(Tree);

impl Schema for Meant {
    fn blank() -> Meant {
        Meant(Tree::Nothing)
    }
    fn read(&mut self, tree: &Tree, _: &mut Reader) {
        self.0 = tree.clone();
    }
    #[inline(never)]
    fn write(&self, json: &mut String) {
        self.0.write(json);
    }
}

impl Meant {
    /// The act with its names as they were written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::scenario) fn written(&self) -> Result<Act, Vec<Problem>> {
        schema::read(&self.0)
    }

    /// The act with names in the place of what is meant by them now.
    ///
    /// # Errors
    /// A sentence, where nobody is that.
    #[inline(never)]
    pub fn now(&self, world: &World) -> Result<Act, String> {
        let mut tree = self.0.clone();
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
