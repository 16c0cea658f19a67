//! OpenTelemetry traces as JSON (OTLP/JSON): a resource a node, a span for each message where it was worked on, and one
//! where it was asked if it was answered.

use crate::protocols::Form;
use crate::sim::{Micros, NodeId, RecordId, Time};

use super::super::spans::Span;
use super::Stretch;
use super::json::Object;

/// The instant at which every exported run begins: midnight, 1 January 2000 UTC, in seconds of Unix time.
pub const EPOCH: u64 = 946_684_800;

/// What marks the span of who asked; the rest of its number is that of who worked.
const ASKED: u64 = 1 << 63;

const INTERNAL: u32 = 1;
const SERVER: u32 = 2;
const CLIENT: u32 = 3;
const CONSUMER: u32 = 5;

/// The whole file: `{"resourceSpans": […]}`.
pub fn otlp(stretch: &Stretch) -> String {
    let spans = &stretch.spans;
    let mut nodes: Vec<NodeId> = spans.iter().flat_map(|span| [span.node, span.from]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut out = "{\"resourceSpans\":[".to_owned();
    let mut first = true;
    for node in nodes {
        let mut list = String::new();
        for span in spans.iter().filter(|span| whole(stretch, span)) {
            if span.answered.is_some() && span.from == node {
                asked(stretch, span, &mut list);
            }
            if span.node == node {
                worked(stretch, span, &mut list);
            }
        }
        if list.is_empty() {
            continue;
        }
        out.push_str(if first { "\n" } else { ",\n" });
        first = false;
        resource(stretch, node, &list, &mut out);
    }
    out.push_str("\n]}\n");
    out
}

/// Whether a span's chain begins within what is asked for.
fn whole(stretch: &Stretch, span: &Span) -> bool {
    stretch.spans[span.root as usize].sent >= stretch.from
}

fn resource(stretch: &Stretch, node: NodeId, list: &str, out: &mut String) {
    let name = stretch.world.name(node);
    // The group is the service; of one that has gone, what its name says.
    let template = stretch.world.node(node).map(|node| &stretch.world.templates()[node.template as usize]);
    let group = template.map_or(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-'), |it| &*it.name);
    let mut object = Object::open(out);
    object.object("resource", |resource| {
        let list = resource.name("attributes");
        list.push('[');
        attribute(list, "service.name", group);
        list.push(',');
        attribute(list, "service.instance.id", name);
        list.push(']');
    });
    let scopes = object.name("scopeSpans");
    scopes.push_str("[{\"scope\":{\"name\":\"faultline\"},\"spans\":[\n");
    scopes.push_str(list);
    scopes.push_str("\n]}]");
    object.close();
}

/// The span of the node that worked on a message, or began a chain.
fn worked(stretch: &Stretch, span: &Span, list: &mut String) {
    let kind = match span.form {
        None => INTERNAL,
        Some(_) if span.answered.is_some() => SERVER,
        Some(_) => CONSUMER,
    };
    let parent = if span.answered.is_some() { Some(span.record.0 | ASKED) } else { above(stretch, span) };
    let begun = span.arrived.unwrap_or(span.sent);
    let done = span.arrived.is_some() || span.lost.is_some() || span.begins();
    let end = if done { span.end } else { stretch.world.now() };
    let mut object = head(stretch, span, span.record.0, parent, kind, (begun, end.max(begun)), list);
    let parts = object.name("attributes");
    parts.push('[');
    let times: [(&str, Option<Micros>); 4] = [
        ("faultline.network_us", span.arrived.map(|arrived| arrived.since(span.sent))),
        ("faultline.queue_us", Some(span.waited)),
        ("faultline.service_us", Some(span.served)),
        ("faultline.disk_us", Some(span.stored)),
    ];
    number(parts, "faultline.record", span.record.0);
    if !span.begins() {
        parts.push(',');
        attribute(parts, "faultline.from", stretch.world.name(span.from));
        parts.push(',');
        attribute(parts, "faultline.form", form_word(span.form));
        parts.push(',');
        number(parts, "messaging.message.body.size", u64::from(span.bytes));
    }
    for (name, time) in times.into_iter().filter_map(|(name, time)| Some((name, time?))) {
        parts.push(',');
        number(parts, name, time.0);
    }
    parts.push(']');
    if let Some(why) = span.lost {
        object.object("status", |status| {
            status.plain("code", 2).text("message", why.word());
        });
    }
    object.close();
}

/// The span of the node that asked and was answered.
fn asked(stretch: &Stretch, span: &Span, list: &mut String) {
    let answered = span.answered.unwrap_or(span.end);
    let parent = above(stretch, span);
    head(stretch, span, span.record.0 | ASKED, parent, CLIENT, (span.sent, answered), list).close();
}

fn above(stretch: &Stretch, span: &Span) -> Option<u64> {
    span.parent.map(|parent| stretch.spans[parent as usize].record.0)
}

fn head<'a>(
    stretch: &Stretch,
    span: &Span,
    id: u64,
    parent: Option<u64>,
    kind: u32,
    (begun, end): (Time, Time),
    list: &'a mut String,
) -> Object<'a> {
    list.push_str(if list.is_empty() { "" } else { ",\n" });
    let RecordId(root) = stretch.spans[span.root as usize].record;
    let mut object = Object::open(list);
    object.text("traceId", &format!("{:016x}{root:016x}", stretch.world.seed()));
    object.text("spanId", &format!("{id:016x}"));
    if let Some(parent) = parent {
        object.text("parentSpanId", &format!("{parent:016x}"));
    }
    object.text("name", span.name).plain("kind", kind);
    object.text("startTimeUnixNano", &nanos(begun)).text("endTimeUnixNano", &nanos(end));
    object
}

fn nanos(at: Time) -> String {
    // Below 2⁶⁴ for every run: the longest is a month.
    (EPOCH * 1_000_000_000 + at.0 * 1_000).to_string()
}

fn form_word(form: Option<Form>) -> &'static str {
    match form {
        Some(Form::Request) => "request",
        Some(Form::Reply) => "reply",
        Some(Form::Accept) => "accept",
        Some(Form::Refuse) => "refuse",
        Some(Form::Beat) => "beat",
        None => "",
    }
}

fn attribute(list: &mut String, key: &str, value: &str) {
    let mut object = Object::open(list);
    object.text("key", key).object("value", |of| {
        of.text("stringValue", value);
    });
    object.close();
}

fn number(list: &mut String, key: &str, value: u64) {
    let mut object = Object::open(list);
    object.text("key", key).object("value", |of| {
        of.text("intValue", &value.to_string());
    });
    object.close();
}
