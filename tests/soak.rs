//! A simulated day of the chat service under a fault plan: it promises what it promised, and neither the run nor the time
//! machine over it holds more at the end than after an hour.
#![cfg(not(target_arch = "wasm32"))]

#[path = "shared/counting.rs"]
mod counting;

use std::rc::Rc;

use counting::held;
use faultline::components::What;
use faultline::scenario::Document;
use faultline::sim::{Micros, Time};
use faultline::timeline::{Cursor, MAX_BYTES, Timeline};

const HOUR: u64 = Micros::secs(3_600).0;

/// The chat with something broken every minute or so, one at a time: what it promises to survive.
const ROUGH_CHAT: &str = concat!(
    include_str!("../static/scenarios/chat.toml"),
    r#"
[[plans]]
name = "a rough day"
faults = ["kill", "pause", "slow"]
targets = ["senders", "gateways", "history"]
every = "60s"
repair = "10s"
up = "20s"
"#
);

#[test]
fn a_day_goes_by() {
    let document = Rc::new(Document::from_toml(ROUGH_CHAT).expect("it has no problems"));
    let mut timeline = Timeline::new(document, 20_261_123, Vec::new()).expect("it runs");
    timeline.advance(Time(HOUR), u64::MAX);
    let after_an_hour = held();
    let faults = |timeline: &Timeline| timeline.tape().marks().len();
    assert!(faults(&timeline) > 60, "the plan was carried out: {}", faults(&timeline));
    for hour in 2..=24 {
        timeline.advance(Time(hour * HOUR), u64::MAX);
        let run = timeline.run();
        assert!(run.broken() == 0 && run.world.halted().is_none(), "hour {hour}: {:?}", run.violations());
    }
    let written = timeline.run().metrics.whole("written").expect("people wrote").count;
    let shown = timeline.run().metrics.whole("accepted").expect("and were heard").count;
    assert!(written > 700_000 && written - shown < 200, "{written} written, {shown} accepted");
    assert!(timeline.log().iter().any(|record| matches!(record.what, What::Arrived { .. })));

    let bounded = after_an_hour + MAX_BYTES;
    assert!(held() <= bounded, "{} bytes after an hour, {} after a day", after_an_hour, held());
    let (now, digest) = (timeline.now(), timeline.run().digest());
    timeline.seek(Cursor { at: Time(11 * HOUR + 7), steps: None });
    timeline.seek(Cursor { at: now, steps: None });
    assert_eq!(timeline.run().digest(), digest, "and back from half a day ago");
    println!(
        "{} steps, {} keyframes of {} bytes, {} bytes in all",
        timeline.run().steps(),
        timeline.keyframes(),
        timeline.held(),
        held()
    );
}
