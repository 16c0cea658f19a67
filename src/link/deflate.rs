//! Deflate (RFC 1951), which zip, gzip and PNG pack with too: anything else can read what is written here, and the
//! other way round. It is for texts of some kilobytes, so it is small rather than fast: one block with codes of its own
//! is written, every kind of block is read, and that a bit at a time.

/// The symbol that ends a block. Those below are bytes, those above are lengths of copies.
const END: usize = 256;
/// How many symbols there are for bytes, the end and lengths.
const SYMBOLS: usize = 286;
/// How many symbols there are for distances.
const DISTANCES: usize = 30;
/// The longest word of a code.
const MAX_BITS: usize = 15;
/// The longest word of the code that lengths of words are written with.
const MAX_ORDER_BITS: usize = 7;
/// The order in which that code's own lengths stand.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The shortest copy, and the longest, which has a symbol of its own.
const SHORTEST: usize = 3;
const LONGEST: usize = 258;
const LONGEST_SYMBOL: usize = SYMBOLS - 1;
/// How far back a copy may reach.
const WINDOW: usize = 32_768;
/// A copy of three bytes from farther away costs more than the bytes.
const NEAR: usize = 4_096;
/// How many earlier places are tried for a copy.
const TRIES: usize = 256;
/// How many beginnings of three bytes are told apart by their hash, as a power of two.
const HASH_BITS: u32 = 12;

/// Why something cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It unpacks to more than is allowed.
    Long,
    /// It was not deflated, or was changed since.
    Damaged,
}

/// A symbol stands for numbers of one magnitude; extra bits tell them apart. Of each magnitude there are `2^group`
/// symbols: four for lengths, two for distances.
fn split(number: usize, group: u32) -> (usize, u32) {
    let extra = number.checked_ilog2().unwrap_or(0).saturating_sub(group);
    (((extra as usize) << group) + (number >> extra), extra)
}

/// The least number that a symbol stands for, and how many extra bits are added to it.
fn join(symbol: usize, group: u32) -> (usize, u32) {
    let extra = (symbol >> group).saturating_sub(1);
    ((symbol - (extra << group)) << extra, extra as u32)
}

const LENGTH_GROUP: u32 = 2;
const DISTANCE_GROUP: u32 = 1;

/// Packs.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let steps = steps(bytes);
    let (mut symbols, mut distances) = ([0; SYMBOLS], [0; DISTANCES]);
    symbols[END] = 1;
    for step in &steps {
        symbols[step.symbol().0] += 1;
        if let Some((symbol, _)) = step.way() {
            distances[symbol] += 1;
        }
    }
    let (symbols, distances) = (lengths(&symbols, MAX_BITS), lengths(&distances, MAX_BITS));

    let mut out = Writer::default();
    out.put(1, 1); // the last block
    out.put(2, 2); // with codes of its own
    write_codes(&mut out, &symbols, &distances);
    let (symbols, distances) = (words(&symbols), words(&distances));
    for step in &steps {
        let (symbol, extra) = step.symbol();
        out.word(symbols[symbol]);
        out.put(step.copied.saturating_sub(SHORTEST), extra);
        if let Some((symbol, extra)) = step.way() {
            out.word(distances[symbol]);
            out.put(step.distance - 1, extra);
        }
    }
    out.word(symbols[END]);
    out.bytes
}

/// A byte; or, with a distance, a copy of what stood that far back.
struct Step {
    byte: u8,
    copied: usize,
    distance: usize,
}

impl Step {
    /// What says which byte or how many, and its extra bits.
    fn symbol(&self) -> (usize, u32) {
        match (self.distance, self.copied) {
            (0, _) => (usize::from(self.byte), 0),
            (_, LONGEST) => (LONGEST_SYMBOL, 0),
            (_, length) => {
                let (symbol, extra) = split(length - SHORTEST, LENGTH_GROUP);
                (END + 1 + symbol, extra)
            }
        }
    }

    /// What says from where.
    fn way(&self) -> Option<(usize, u32)> {
        (self.distance > 0).then(|| split(self.distance - 1, DISTANCE_GROUP))
    }
}

/// The text as bytes and copies. A copy waits until it is clear that none that begins one byte later is longer.
fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut earlier = Earlier { bytes, last: vec![None; 1 << HASH_BITS], before: Vec::with_capacity(bytes.len()) };
    let mut steps = Vec::new();
    let mut at = 0;
    let mut next = earlier.copy(0);
    while let Some(byte) = bytes.get(at) {
        let (copied, distance) = next;
        next = earlier.copy(at + 1);
        if copied == 0 || next.0 > copied {
            steps.push(Step { byte: *byte, copied: 0, distance: 0 });
            at += 1;
        } else {
            steps.push(Step { byte: *byte, copied, distance });
            at += copied;
            next = earlier.copy(at);
        }
    }
    steps
}

/// Where the same three bytes stood before.
struct Earlier<'a> {
    bytes: &'a [u8],
    /// By hash, the last place where such bytes begin.
    last: Vec<Option<usize>>,
    /// By place, the place before it with the same hash.
    before: Vec<Option<usize>>,
}

impl Earlier<'_> {
    fn hash(&self, at: usize) -> usize {
        let three = self.bytes[at..].iter().take(SHORTEST).fold(0u32, |three, byte| three << 8 | u32::from(*byte));
        (three.wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASH_BITS)) as usize
    }

    /// The longest copy that could stand here, the nearest if there are several: how many bytes, and how far back they
    /// are. No bytes if there is none.
    fn copy(&mut self, at: usize) -> (usize, usize) {
        for place in self.before.len()..at.min(self.bytes.len()) {
            let hash = self.hash(place);
            self.before.push(self.last[hash].replace(place));
        }
        let here = self.bytes.get(at..).unwrap_or_default();
        let mut best = (0, 0);
        if here.len() < SHORTEST {
            return best;
        }
        let mut tried = self.last[self.hash(at)];
        for _ in 0..TRIES {
            let Some(place) = tried.filter(|place| at - place <= WINDOW) else { break };
            let same = here.iter().zip(&self.bytes[place..]).take(LONGEST).take_while(|(a, b)| a == b).count();
            let worth = same > SHORTEST || same == SHORTEST && at - place <= NEAR;
            if worth && same > best.0 {
                best = (same, at - place);
            }
            tried = self.before[place];
        }
        best
    }
}

/// Huffman's code for symbols that are so frequent, as the lengths of their words.
fn lengths(frequencies: &[usize], max: usize) -> Vec<usize> {
    let mut weights = frequencies.to_vec();
    // A code has two words at least.
    for weight in weights.iter_mut().take(2) {
        *weight = (*weight).max(1);
    }
    loop {
        let lengths = huffman(&weights);
        if lengths.iter().all(|length| *length <= max) {
            return lengths;
        }
        // Too long a word: the more alike the weights, the more alike the lengths.
        for weight in &mut weights {
            *weight = weight.div_ceil(2);
        }
    }
}

fn huffman(weights: &[usize]) -> Vec<usize> {
    // Each node's weight, and the node that it was joined to.
    let mut nodes: Vec<(usize, usize)> = weights.iter().map(|weight| (*weight, 0)).collect();
    let mut open: Vec<usize> = (0..nodes.len()).filter(|node| weights[*node] > 0).collect();
    // The two lightest are joined, until one is left.
    while open.len() > 1 {
        let joined = nodes.len();
        nodes.push((0, 0));
        for _ in 0..2 {
            let Some(place) = (0..open.len()).min_by_key(|place| nodes[open[*place]].0) else { break };
            let lightest = open.swap_remove(place);
            nodes[joined].0 += nodes[lightest].0;
            nodes[lightest].1 = joined;
        }
        open.push(joined);
    }
    // The last is the root, and each stands before what it was joined to.
    let mut depths = vec![0; nodes.len()];
    for node in (0..nodes.len() - 1).rev() {
        if nodes[node].0 > 0 {
            depths[node] = depths[nodes[node].1] + 1;
        }
    }
    depths.truncate(weights.len());
    depths
}

/// The words of a code, each with its length: among those of one length in the order of the symbols. A word's first bit
/// is its highest, where everything else begins with the lowest: so they are turned round.
fn words(lengths: &[usize]) -> Vec<(usize, u32)> {
    let mut words = vec![(0, 0); lengths.len()];
    let mut word = 0u32;
    for length in 1..=MAX_BITS {
        word <<= 1;
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, other)| **other == length) {
            words[symbol] = ((word.reverse_bits() >> (32 - length)) as usize, length as u32);
            word += 1;
        }
    }
    words
}

/// Both codes, as the lengths of their words: in a code of its own, with symbols for repetitions.
fn write_codes(out: &mut Writer, symbols: &[usize], distances: &[usize]) {
    let used = |lengths: &[usize]| lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1);
    let (symbols, distances) = (&symbols[..used(symbols)], &distances[..used(distances)]);
    let all = [symbols, distances].concat();

    // Each with its extra bits and how many there are.
    let mut written: Vec<(usize, usize, u32)> = Vec::new();
    for run in all.chunk_by(|a, b| a == b) {
        let mut left = run.len();
        if run[0] > 0 {
            written.push((run[0], 0, 0));
            left -= 1;
        }
        while left > 0 {
            let (count, symbol, least, bits) = match (run[0], left) {
                (0, 11..) => (left.min(138), 18, 11, 7),
                (0, 3..) => (left, 17, 3, 3),
                (1.., 3..) => (left.min(6), 16, 3, 2),
                _ => (1, run[0], 1, 0),
            };
            written.push((symbol, count - least, bits));
            left -= count;
        }
    }
    let mut frequencies = [0; ORDER.len()];
    for (symbol, ..) in &written {
        frequencies[*symbol] += 1;
    }
    let order = lengths(&frequencies, MAX_ORDER_BITS);
    let last = ORDER.iter().rposition(|symbol| order[*symbol] > 0).unwrap_or(0);
    out.put(symbols.len() - END - 1, 5);
    out.put(distances.len() - 1, 5);
    out.put(last + 1 - 4, 4);
    for symbol in &ORDER[..=last] {
        out.put(order[*symbol], 3);
    }
    let words = words(&order);
    for (symbol, extra, bits) in written {
        out.word(words[symbol]);
        out.put(extra, bits);
    }
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    free: u32,
}

impl Writer {
    fn word(&mut self, (word, length): (usize, u32)) {
        self.put(word, length);
    }

    /// The lowest bits of a number.
    fn put(&mut self, number: usize, bits: u32) {
        for bit in 0..bits {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((number >> bit & 1) as u8) << (8 - self.free);
            }
            self.free -= 1;
        }
    }
}

/// Unpacks.
pub(super) fn inflate(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Broken> {
    let mut input = Reader { bytes, bit: 0 };
    let mut out = Vec::new();
    let mut last = false;
    while !last {
        last = input.take(1)? == 1;
        let (symbols, distances) = match input.take(2)? {
            0 => {
                input.bit = input.bit.next_multiple_of(8);
                let length = input.take(16)?;
                if input.take(16)? != length ^ 0xffff {
                    return Err(Broken::Damaged);
                }
                for _ in 0..length {
                    push(&mut out, input.take(8)? as u8, limit)?;
                }
                continue;
            }
            1 => {
                let lengths = [[8; 144].as_slice(), &[9; 112], &[7; 24], &[8; 8]].concat();
                (Code::new(&lengths)?, Code::new(&[5; DISTANCES])?)
            }
            2 => read_codes(&mut input)?,
            _ => return Err(Broken::Damaged),
        };
        loop {
            let length = match symbols.read(&mut input)? {
                END => break,
                byte @ 0..END => {
                    push(&mut out, byte as u8, limit)?;
                    continue;
                }
                LONGEST_SYMBOL => LONGEST,
                symbol @ ..SYMBOLS => SHORTEST + input.number(symbol - END - 1, LENGTH_GROUP)?,
                _ => return Err(Broken::Damaged),
            };
            let symbol = distances.read(&mut input)?;
            let distance = 1 + input.number(symbol, DISTANCE_GROUP)?;
            let from = out.len().checked_sub(distance).ok_or(Broken::Damaged)?;
            // Copies may reach into what they copy.
            for place in from..from + length {
                let byte = out[place];
                push(&mut out, byte, limit)?;
            }
        }
    }
    Ok(out)
}

fn push(out: &mut Vec<u8>, byte: u8, limit: usize) -> Result<(), Broken> {
    if out.len() == limit {
        return Err(Broken::Long);
    }
    out.push(byte);
    Ok(())
}

fn read_codes(input: &mut Reader) -> Result<(Code, Code), Broken> {
    let symbols = END + 1 + input.take(5)?;
    let distances = 1 + input.take(5)?;
    let mut order = [0; ORDER.len()];
    let count = 4 + input.take(4)?;
    for symbol in &ORDER[..count] {
        order[*symbol] = input.take(3)?;
    }
    let order = Code::new(&order)?;
    let mut lengths = Vec::new();
    while lengths.len() < symbols + distances {
        let (length, count) = match order.read(input)? {
            16 => (*lengths.last().ok_or(Broken::Damaged)?, 3 + input.take(2)?),
            17 => (0, 3 + input.take(3)?),
            18 => (0, 11 + input.take(7)?),
            length => (length, 1),
        };
        lengths.resize(lengths.len() + count, length);
    }
    if lengths.len() > symbols + distances || symbols > SYMBOLS || distances > DISTANCES {
        return Err(Broken::Damaged);
    }
    let (symbols, distances) = lengths.split_at(symbols);
    Ok((Code::new(symbols)?, Code::new(distances)?))
}

/// A code to read: how many words there are of each length, and their symbols in the order of the words.
struct Code {
    counts: [usize; MAX_BITS + 1],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Result<Code, Broken> {
        let mut counts = [0; MAX_BITS + 1];
        let mut symbols = Vec::new();
        let mut free = 1usize;
        for (length, count) in counts.iter_mut().enumerate().skip(1) {
            let before = symbols.len();
            symbols.extend((0..lengths.len()).filter(|symbol| lengths[*symbol] == length));
            *count = symbols.len() - before;
            free = (2 * free).checked_sub(*count).ok_or(Broken::Damaged)?;
        }
        Ok(Code { counts, symbols })
    }

    fn read(&self, input: &mut Reader) -> Result<usize, Broken> {
        // The word so far, less the first word of its length; and where that one's symbol stands.
        let (mut word, mut first) = (0, 0);
        for count in &self.counts[1..] {
            word = 2 * word + input.take(1)?;
            if word < *count {
                return Ok(self.symbols[first + word]);
            }
            word -= count;
            first += count;
        }
        Err(Broken::Damaged)
    }
}

/// Bits, the lowest of each byte first.
struct Reader<'a> {
    bytes: &'a [u8],
    bit: usize,
}

impl Reader<'_> {
    fn take(&mut self, bits: u32) -> Result<usize, Broken> {
        let mut number = 0;
        for place in 0..bits {
            let byte = *self.bytes.get(self.bit / 8).ok_or(Broken::Damaged)?;
            number |= usize::from(byte >> (self.bit % 8) & 1) << place;
            self.bit += 1;
        }
        Ok(number)
    }

    /// The number that a symbol and its extra bits stand for.
    fn number(&mut self, symbol: usize, group: u32) -> Result<usize, Broken> {
        let (least, extra) = join(symbol, group);
        Ok(least + self.take(extra)?)
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;
    use miniz_oxide::inflate::{decompress_to_vec, decompress_to_vec_with_limit};

    use super::*;
    use crate::scenario::{builtin, builtins, schema};
    use crate::sim::{Purpose, Stream};

    const ENOUGH: usize = 1 << 20;

    /// Nothing, noise, few letters, long runs, what repeats from far away, what stands in links.
    fn texts() -> Vec<Vec<u8>> {
        let mut stream = Stream::new(1, Purpose::Faults);
        let mut noise =
            |length: usize, letters: u64| -> Vec<u8> { (0..length).map(|_| (stream.bits() % letters) as u8).collect() };
        let mut texts = vec![Vec::new(), vec![7], vec![0; 100_000]];
        for length in [1, 2, 3, 4, 100, 5_000, 70_000] {
            texts.extend([256, 40, 3, 2].map(|letters| noise(length, letters)));
        }
        let far = noise(WINDOW, 256);
        texts.push([&far[..], &far, &far[1..]].concat());
        // So unlike that the code which fits best has words that are too long.
        let counts = std::iter::successors(Some((1, 1)), |(a, b)| Some((*b, a + b))).map(|(count, _)| count);
        texts.push((0..22).zip(counts).flat_map(|(letter, count)| vec![letter; count]).collect());
        texts.extend(builtins().map(|name| schema::json(&builtin(name).expect(name)).into_bytes()));
        texts
    }

    #[test]
    fn what_was_packed_here_is_read_by_others_and_the_other_way_round() {
        for text in texts() {
            let packed = deflate(&text);
            assert_eq!(inflate(&packed, text.len()).as_ref(), Ok(&text));
            assert_eq!(decompress_to_vec(&packed).expect("it was just packed"), text);
            for level in [0, 1, 6, 9] {
                assert_eq!(inflate(&compress_to_vec(&text, level), text.len()).as_ref(), Ok(&text), "{level}");
            }
        }
    }

    #[test]
    fn documents_become_as_short_as_elsewhere() {
        for name in builtins() {
            let json = schema::json(&builtin(name).expect(name)).into_bytes();
            let (here, elsewhere) = (deflate(&json).len(), compress_to_vec(&json, 9).len());
            assert!(here <= elsewhere + elsewhere / 100, "{name}: {here} bytes, elsewhere {elsewhere}");
        }
    }

    #[test]
    fn what_is_broken_is_refused_or_is_what_others_make_of_it() {
        let mut stream = Stream::new(2, Purpose::Faults);
        for text in texts().into_iter().filter(|text| text.len() < 2_000) {
            for packed in [deflate(&text), compress_to_vec(&text, 0), compress_to_vec(&text, 1)] {
                assert_eq!(inflate(&packed[..packed.len() - 1], ENOUGH), Err(Broken::Damaged));
                for _ in 0..200 {
                    let mut changed = packed.clone();
                    let place = stream.bits() as usize % changed.len();
                    changed[place] = stream.bits() as u8;
                    agree(&changed);
                }
            }
        }
        for length in 0..20_000 {
            agree(&(0..length % 100).map(|_| stream.bits() as u8).collect::<Vec<_>>());
        }
    }

    /// What others refuse, an incomplete code say, may be read here.
    fn agree(packed: &[u8]) {
        let found = inflate(packed, ENOUGH);
        if let Ok(text) = decompress_to_vec_with_limit(packed, ENOUGH) {
            assert_eq!(found, Ok(text));
        }
    }

    #[test]
    fn nothing_grows_above_its_limit() {
        let packed = deflate(&[b'a'; 1_000_000]);
        assert!(packed.len() < 2_000);
        assert_eq!(inflate(&packed, 999_999), Err(Broken::Long));
        assert_eq!(inflate(&packed, 1_000_000).map(|text| text.len()), Ok(1_000_000));
    }
}
