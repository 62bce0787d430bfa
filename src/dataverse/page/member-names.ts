import { endingBytes, firstEnding, QUOTE } from './plain-literals.ts';

/** Stands for no name: before the first member of a row, and after a member whose name is not known. */
export const NO_NAME = 0;

/** Names that are no columns are remembered up to this number, because an answer may have any number of them. */
const MOST_OTHERS = 2_048;
/** Bytes with quotes and colon. A shorter name has no word of four bytes; a longer one would take memory. */
const SHORTEST = 4;
const LONGEST = 256;

// The facts of each name, all of them in one array.
const FACTS = 8;
/** Bytes of the name. */
const LENGTH = 0;
/** The position in `words` of the name's last four bytes. All of its words follow them. */
const WORDS = 1;
const MEMBER = 2;
const HASH = 3;
/** The name that follows this name if this name's value was a value, or was null. */
export const AFTER_VALUE = 4;
export const AFTER_NULL = 5;

/** A length that no text has, so that NO_NAME never stands anywhere. */
const NEVER = 2 ** 30;
/** Guesses that are made before a name is looked up: more of them cost more than they save. */
const GUESSES = 4;

/**
 * The names of a table's members, found in the bytes of a page without making a string of each.
 *
 * An environment writes the members that have values first and the nulls after them, both in the order of the
 * table's columns. So a member has another place in each row, but the name that follows a name is nearly always
 * one of few. The names that may follow form a chain for values and a chain for nulls: each name has its
 * successor, and a row leaves some of the chain out. The search compares the first few names of the chain with
 * the text, and looks up the text's hash only if none of them stands there.
 *
 * The names are learned from the pages, and keep their numbers as long as the shape of the rows is in use.
 */
export class MemberNames {
  private facts = new Int32Array(32 * FACTS);
  private words = new Int32Array(256);
  private wordCount = 0;
  /** Numbers of names by hash. Half of the slots at least are NO_NAME, so that a search ends soon. */
  private slots = new Int32Array(64);
  private count = NO_NAME + 1;
  private others = 0;

  constructor() {
    this.facts[LENGTH] = NEVER;
  }

  /**
   * The number of the name that stands at `at`, with its quotes and its colon, in their shortest form.
   *
   * @param previous the name before it in the same row, or NO_NAME.
   * @param after AFTER_NULL if the value between the two names is null, otherwise AFTER_VALUE.
   * @returns NO_NAME if the name is not known, or is written with escapes or blanks.
   */
  find(view: DataView, at: number, previous: number, after: number): number {
    const guess = this.facts[FACTS * previous + after] as number;
    return this.stands(guess, view, at) ? guess : this.search(view, at, previous, after);
  }

  /** Bytes of a name, with quotes and colon. */
  length(name: number): number {
    return this.facts[FACTS * name + LENGTH] as number;
  }

  /** The member that a name belongs to. */
  member(name: number): number {
    return this.facts[FACTS * name + MEMBER] as number;
  }

  /**
   * Remembers a name that `find` did not find, if it can be found in this form. Names of columns are always
   * remembered, because a table has a limited number of them; others only as long as there are not too many.
   *
   * @param at where the opening quote stands.
   * @param length bytes up to the colon, which directly follows the closing quote.
   * @param member the column, or a number below 0.
   */
  learn(view: DataView, at: number, length: number, member: number): void {
    const hash = hashAt(view, at);
    if (hash === 0 || length < SHORTEST || length > LONGEST) return;
    if (member < 0 && this.others++ >= MOST_OTHERS) return;
    const name = this.count++;
    this.facts = withRoom(this.facts, FACTS * this.count);
    const facts = this.facts.subarray(FACTS * name);
    facts[LENGTH] = length;
    facts[WORDS] = this.wordCount;
    facts[MEMBER] = member;
    facts[HASH] = hash;
    const end = at + length - 4;
    this.words = withRoom(this.words, this.wordCount + 1 + (length >> 2));
    this.words[this.wordCount++] = view.getInt32(end, true);
    for (let from = at; from <= end; from += 4) this.words[this.wordCount++] = view.getInt32(from, true);
    if (2 * this.count > this.slots.length) {
      this.slots = new Int32Array(2 * this.slots.length);
      for (let each = NO_NAME + 1; each < name; each++) this.place(each);
    }
    this.place(name);
  }

  /** Whether a name stands at `at`. The last bytes are compared first, because names often begin alike. */
  private stands(name: number, view: DataView, at: number): boolean {
    const { facts, words } = this;
    const end = at + (facts[FACTS * name + LENGTH] as number) - 4;
    if (end + 4 > view.byteLength) return false;
    let word = facts[FACTS * name + WORDS] as number;
    if (view.getInt32(end, true) !== words[word]) return false;
    for (let from = at; from <= end; from += 4) {
      if (view.getInt32(from, true) !== words[++word]) return false;
    }
    return true;
  }

  /** Goes along the chain of names that may follow, and looks the name up if it does not come soon. */
  private search(view: DataView, at: number, previous: number, after: number): number {
    const { facts } = this;
    const guess = facts[FACTS * previous + after] as number;
    let name = guess;
    for (let guesses = 1; guesses <= GUESSES && name !== NO_NAME; guesses++) {
      name = facts[FACTS * name + after] as number;
      if (this.stands(name, view, at)) return name;
    }
    name = this.lookUp(view, at);
    if (name === NO_NAME) return NO_NAME;
    // The name comes into the chain here. What was expected in its place may follow it in other rows.
    facts[FACTS * previous + after] = name;
    if (facts[FACTS * name + after] === NO_NAME) facts[FACTS * name + after] = guess;
    return name;
  }

  private lookUp(view: DataView, at: number): number {
    const { facts, slots } = this;
    const hash = hashAt(view, at);
    if (hash === 0) return NO_NAME;
    let slot = this.firstSlot(hash);
    for (;;) {
      const name = slots[slot] as number;
      if (name === NO_NAME || (facts[FACTS * name + HASH] === hash && this.stands(name, view, at)))
        return name;
      slot = (slot + 1) & (slots.length - 1);
    }
  }

  private place(name: number): void {
    const { slots } = this;
    let slot = this.firstSlot(this.facts[FACTS * name + HASH] as number);
    while (slots[slot] !== NO_NAME) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = name;
  }

  /** The upper bits of the hash, which depend on all bytes of the name. */
  private firstSlot(hash: number): number {
    return hash >>> (Math.clz32(this.slots.length) + 1);
  }
}

/** The array, or a copy of twice the size if it has no room for so many numbers. */
function withRoom(numbers: Int32Array<ArrayBuffer>, count: number): Int32Array<ArrayBuffer> {
  if (count <= numbers.length) return numbers;
  const larger = new Int32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

/** A hash of the name whose opening quote stands at `at`; 0 if the name has an escape or is not whole. */
function hashAt(view: DataView, at: number): number {
  let hash = 1;
  for (let from = at + 1; from + 4 <= view.byteLength; from += 4) {
    const word = view.getInt32(from, true);
    const ending = endingBytes(word);
    if (ending === 0) hash = mix(hash, word);
    else {
      const rest = firstEnding(ending);
      if (view.getUint8(from + rest) !== QUOTE) return 0;
      return mix(hash, word & ((1 << (8 * rest)) - 1)) || 1;
    }
  }
  return 0;
}

function mix(hash: number, word: number): number {
  return Math.imul(hash ^ (hash >>> 15) ^ word, 0x9e3779b1);
}
