//! The backup's part: it takes down what its primary forwards, in order, and takes over all that it has in a new view.

use crate::sim::{NodeId, Port};

use super::super::chat::Post;
use super::super::history::{Log, Logs};
use super::super::view_service::View;
use super::{EARLY, Message, Outcome, Role, Server, Timer, Write};

impl Server {
    /// A message at its place, from the primary.
    #[expect(clippy::too_many_arguments, reason = "the fields of one message")]
    pub(super) fn on_forward<P>(
        &mut self,
        port: &mut P,
        from: NodeId,
        view: u64,
        conversation: u32,
        place: u64,
        post: Post,
        settled: u64,
    ) -> Outcome
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let known = self.told.map_or(0, |told| told.number);
        match &self.role {
            Role::Backup(mine) if mine.number == view && mine.primary == from => {}
            _ if known > view => {
                port.send(from, Message::Stale { view: known });
                return Outcome::default();
            }
            // It will be forwarded again when this server knows what it is.
            _ => return Outcome::default(),
        }
        let last = self.logs.get(conversation).map_or(0, Log::last);
        if let Some(log) = self.logs.get_mut(conversation) {
            log.settle(settled);
        }
        if place <= last {
            let stored = self.stored.get(&conversation).copied().unwrap_or(0);
            if place <= stored {
                port.send(from, Message::Forwarded { view, conversation, place: stored });
            }
            return Outcome::default();
        }
        if self.early.len() < EARLY || place == last + 1 {
            self.early.insert((conversation, place), post);
        }
        let mut next = last + 1;
        while let Some(post) = self.early.remove(&(conversation, next)) {
            let Some(log) = self.logs.get_mut(conversation) else { break };
            log.push(post.clone());
            let write = Write::Append { conversation, post, settled };
            port.persist(write, Some(Timer::Stored { conversation, place: next }));
            next += 1;
        }
        Outcome::default()
    }

    /// Everything that the primary has.
    pub(super) fn on_transfer<P>(&mut self, port: &mut P, from: NodeId, view: View, logs: Logs)
    where
        P: Port<Message = Message, Timer = Timer, Write = Write>,
    {
        let known = self.told.map_or(0, |told| told.number).max(self.floor);
        if known > view.number {
            return port.send(from, Message::Stale { view: known });
        }
        match &self.role {
            Role::Backup(mine) if *mine == view => return port.send(from, Message::Transferred { view: view.number }),
            // Retransmitted while it is being written; written twice, it could undo what came after it.
            _ if self.copying.is_some() => return,
            _ if view.primary != from || view.backup != Some(port.id()) || view.number <= self.floor => return,
            _ => {}
        }
        self.told = Some(view);
        self.stand_by();
        self.copying = Some((view, logs.clone()));
        port.persist(Write::Replace(view, logs), Some(Timer::Copied));
    }
}
