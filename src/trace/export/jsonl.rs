//! Records as JSON lines: one record a line, each with the same five fields and those of its kind.

use crate::components::{Fact, Message, Record, What, World};
use crate::sim::Payload;

use super::super::words::{kind_word, sentence};
use super::Stretch;
use super::json::Object;

/// The whole file.
pub fn jsonl(stretch: &Stretch) -> String {
    let mut out = String::new();
    for record in stretch.course.records().iter().filter(|record| record.at >= stretch.from) {
        line(record, stretch.world, &mut out);
        out.push('\n');
    }
    out
}

fn line(record: &Record, world: &World, out: &mut String) {
    let mut object = Object::open(out);
    object.plain("id", record.id.0).plain("at_us", record.at.0).plain("cause", record.cause.0);
    object.text("node", world.name(record.node)).text("kind", kind_word(&record.what));
    let name = |id| world.name(id);
    match &record.what {
        What::Crashed { disk_lost } => {
            object.plain("disk_lost", disk_lost);
        }
        What::Slowed { permille } => {
            object.plain("permille", permille);
        }
        What::Dialled { field, value } => {
            object.text("field", field).text("value", &value.to_string());
        }
        What::Sent { to, message, due } | What::Duplicated { to, message, due } => {
            object.text("to", name(*to)).plain("due_us", due.0);
            said(&mut object, message, world);
        }
        What::Arrived { from, message, waiting } => {
            object.text("from", name(*from)).plain("waiting", waiting);
            said(&mut object, message, world);
        }
        What::Served { from, name: message, waited, took } => {
            object.text("from", name(*from)).text("message", message);
            object.plain("waited_us", waited.0).plain("took_us", took.0);
        }
        What::Lost { to, message, why } => {
            object.text("to", name(*to)).text("why", why.word());
            said(&mut object, message, world);
        }
        What::Timer { name } => {
            object.text("timer", name);
        }
        What::Written { of } => {
            object.plain("of", of.0);
        }
        What::Note(line) => {
            object.text("note", &world.named(line));
        }
        What::Measure { name, value } => {
            object.text("measure", name).plain("value", value);
        }
        What::Fact(fact) => fields_of_fact(&mut object, fact, world),
        other => {
            if let Some(to) = other.link_to() {
                object.text("to", name(to));
            }
        }
    }
    object.text("text", &sentence(record, world));
    object.close();
}

fn said(object: &mut Object, message: &Message, world: &World) {
    object.text("message", message.name()).plain("bytes", message.bytes());
    object.object("fields", |fields| {
        for (name, value) in message.fields() {
            fields.text(name, &world.named(&value));
        }
    });
}

fn fields_of_fact(object: &mut Object, fact: &Fact, world: &World) {
    match fact {
        Fact::Accepted { item, conversation, .. } => {
            object.plain("item", item).plain("conversation", conversation);
        }
        Fact::Stored { item, conversation, place } | Fact::Shown { item, conversation, place, .. } => {
            object.plain("item", item).plain("conversation", conversation).plain("place", place);
        }
        Fact::Joined { conversation, place } => {
            object.plain("conversation", conversation).plain("place", place);
        }
        Fact::Operation { process, op, key, value, result, .. } => {
            object.plain("process", process).text("op", op);
            if let Some(key) = key {
                object.plain("key", key);
            }
            if let Some(value) = value {
                object.plain("value", value);
            }
            if let Some(result) = result {
                object.plain("result", result);
            }
        }
        Fact::Lease(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Vote(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Rumour(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Operations(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Books(ledger) => {
            for what in crate::protocols::physiology::SUBSTANCES {
                object.plain(what.word(), ledger.holds.get(what));
            }
        }
        Fact::Player(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Flight(told) => {
            object.text("told", &told.sentence());
        }
        Fact::Telephone(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Cellular(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Network(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::General(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Paxos(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Chain(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Saga(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Log(told) => {
            object.text("told", &world.named(&told.sentence()));
        }
        Fact::Transaction(told) => {
            object.text("transaction", &world.named(&told.tx.to_string()));
        }
        Fact::Elected { term } => {
            object.plain("term", term);
        }
        Fact::Appended { term, index, entries } | Fact::Restored { term, index, entries } => {
            object.plain("term", term).plain("index", index).plain("entries", entries.len());
        }
        Fact::Applied { term, index } => {
            object.plain("term", term).plain("index", index);
        }
        Fact::Enqueued { item } | Fact::Worked { item } => {
            object.plain("item", item);
        }
        Fact::Kept { key, told, .. } => {
            object.plain("key", key).text("told", told);
        }
        Fact::Serves { view, .. } => {
            object.plain("view", view);
        }
        Fact::Answered { view, key, .. } => {
            object.plain("view", view).plain("key", key);
        }
        Fact::Updated { number, update, .. } => {
            object.plain("number", number).text("update", &update.to_string());
        }
        Fact::Merged { shown, .. } => {
            object.plain("counter", shown.counter).plain("stock", shown.stock);
        }
        Fact::Copied { from: node } | Fact::Suspected { node } | Fact::Replacing { node } => {
            object.text("about", world.name(*node));
        }
        Fact::Listed { nodes } => {
            object.plain("count", nodes.len());
        }
        Fact::Believes { node, standing, incarnation, from } => {
            object.text("about", world.name(*node)).text("standing", standing.word());
            object.text("incarnation", &incarnation.to_string());
            if let Some(from) = from {
                object.text("from", world.name(*from));
            }
        }
        Fact::Incarnated { incarnation } => {
            object.text("incarnation", &incarnation.to_string());
        }
    }
}
