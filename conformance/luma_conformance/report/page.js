"use strict";

// Every text is set as text, never as markup; only what is seen is built.
const data = JSON.parse(document.getElementById("data").textContent);
for (const one of data.differences) one.push(data.links[one[3]]);
for (const cell of data.cases.flatMap((one) => one[5])) {
  if (cell?.differences) cell.differences = cell.differences.map((number) => data.differences[number]);
}
const SIZE = 100;
const PRINTED = 1000;
const ofClients = data.noun === "scenario";
const MARKS = {pass: "✓", fail: "✗", deviation: "≈", warning: "!", "not-judged": "–"};
const $ = (id) => document.getElementById(id);
const list = $("list");
const only = new Set();
let found = data.cases;
let start = 0;
let unasked = true; // so a run without a finding lists nothing yet

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// An id may be broken between its words, not inside them.
function makeId(text) {
  const node = make("bdi", "id");
  text.split(/(?<=[\p{L}\d][/_.:])(?=[\p{L}\d])/u).forEach((part, index) => node.append(...(index ? [make("wbr")] : []), part));
  return node;
}

const verdictOf = (cell) => cell === null ? null : typeof cell === "number" ? cell : cell.v;

const words = (value) => typeof value === "object" && value !== null ? Object.values(value).map(words).join("\n") : String(value ?? "");

// What a search looks through, made at the first search.
let haystacks = null;
function haystack(index) {
  haystacks ??= data.cases.map(([id, title, section, place, operation, cells]) =>
    [id, title, data.sections[section][0], place, operation, ...cells.map(words)].join("\n").toLowerCase());
  return haystacks[index];
}

function filter() {
  const section = $("section").value;
  const cause = $("cause").value;
  const rows = cause === "" ? null : new Set(data.causes[cause][1]);
  const wanted = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const differing = $("differing").querySelector("input").checked;
  found = data.cases.filter((one, index) => {
    const verdicts = one[5].map(verdictOf);
    return (rows === null || rows.has(index))
      && (section === "" || one[2] === Number(section))
      && (only.size === 0 || verdicts.some((verdict) => only.has(verdict)))
      && (!differing || new Set(verdicts).size > 1)
      && wanted.every((word) => haystack(index).includes(word));
  });
  if (unasked && data.runs.length === 1 && only.size === 0) found = [];
  start = 0;
  render();
}

function render() {
  show(found.slice(start, start + SIZE));
  const total = data.cases.length.toLocaleString("en");
  $("found").textContent = found.length === 0 && unasked
    ? `No ${data.noun} has a finding: Show all lists the ${total}.`
    : found.length === 0
    ? `None of ${total} ${data.noun}s is all of that.`
    : `${found.length.toLocaleString("en")} of ${total} ${data.noun}s`;
  $("pages").hidden = found.length <= SIZE;
  $("where").textContent = `${(start + 1).toLocaleString("en")} to ${Math.min(start + SIZE, found.length).toLocaleString("en")}`;
  $("earlier").disabled = start === 0;
  $("later").disabled = start + SIZE >= found.length;
}

function show(cases) {
  list.replaceChildren(...cases.map(row));
}

function row(one) {
  const [id, title, , , , cells] = one;
  const details = make("details");
  const summary = make("summary");
  for (const cell of cells) summary.append(mark(verdictOf(cell), cells.length > 1));
  summary.append(makeId(id), make("bdi", "title", title));
  details.append(summary);
  details.addEventListener("toggle", () => { if (details.open) fill(details, one); });
  return details;
}

function mark(verdict, short) {
  if (verdict === null) return make("span", "mark short", " ");
  const [outcome, name] = data.outcomes[verdict];
  const node = make("span", `mark ${outcome}${short ? " short" : ""}`, short ? MARKS[outcome] : `${MARKS[outcome]} ${name}`);
  if (short) {
    node.title = name;
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", name);
  }
  return node;
}

function fill(details, one) {
  if (details.children.length > 1) return;
  const [id, , section, place, operation, cells] = one;
  const body = make("div", "case");
  const facts = make("dl");
  const [heading, link] = data.sections[section];
  fact(facts, "rests on", link ? anchor(heading, link) : heading);
  if (operation) fact(facts, "operation", operation);
  if (place) fact(facts, "stands in", place);
  if (!ofClients && !id.includes("::") && !id.startsWith("properties/")) fact(facts, "shown by", `luma-conformance show ${id}`);
  body.append(facts);
  cells.forEach((cell, index) => {
    if (cells.length > 1) body.append(make("h3", "", `Run ${index + 1}: ${data.runs[index]}`));
    body.append(...answer(cell, cells.length > 1));
  });
  details.append(body);
}

function answer(cell, named) {
  if (cell === null) return [make("p", "", "Not in this run.")];
  const nodes = [];
  if (named) nodes.push(mark(verdictOf(cell), false));
  if (typeof cell === "number") return nodes;
  const said = make("dl", "answers");
  if (cell.flaky) fact(said, "flaky", cell.flaky);
  if (cell.reason) fact(said, "reason", cell.reason);
  if (ofClients) return [...nodes, ...conduct(said, cell)];
  if (cell.expected && cell.v < data.outcomes.length - 1) compare(said, cell.expected, cell.actual);
  for (const [facet, where, why, restsOn, link] of cell.differences ?? []) {
    const text = make("span", "", `${where}: ${why}  `);
    if (link) text.append(anchor(restsOn, link));
    fact(said, `differs in ${facet}`, text);
  }
  for (const note of cell.notes ?? []) fact(said, "noted", note);
  if (cell.severity) fact(said, "the page's word", cell.severity === "must" ? "must: clients branch on it" : "should: wording, for people");
  if (cell.request_id) fact(said, "request id", cell.request_id);
  nodes.push(said);
  if (cell.explanation) nodes.push(make("pre", "", cell.explanation));
  if (cell.curl) nodes.push(command(cell.curl));
  return nodes;
}

// What a client did: against what the page says, as a line of time, and in the words of the terminal.
function conduct(said, cell) {
  for (const [facet, where, why, restsOn, link] of cell.differences ?? []) {
    const text = make("span", "", `${where}  `);
    text.append(make("span", "severity", facet === "advice" ? "should" : "must"), "  ");
    if (link) text.append(anchor(restsOn, link));
    fact(said, "the page says", text);
    fact(said, "the client did", make("span", "server", why));
  }
  for (const note of cell.notes ?? []) fact(said, "noted", note);
  const nodes = [said];
  if (cell.timeline) nodes.push(timeline(cell.timeline));
  if (cell.explanation) {
    const folded = make("details");
    folded.append(make("summary", "", "As on the terminal"), make("pre", "", cell.explanation));
    nodes.push(folded);
  }
  return nodes;
}

function timeline(moments) {
  const table = make("table", "timeline");
  const end = Math.max(0.01, ...moments.map(([, ended]) => ended));
  table.createCaption().textContent = `The requests of the client, over ${end.toFixed(2)} s`;
  for (const [began, ended, asked, told, isFault] of moments) {
    const row = table.insertRow();
    const track = make("td", "track");
    const bar = make("span", isFault ? "fault" : "");
    bar.style.left = `${98 * began / end}%`;
    bar.style.width = `${Math.max(1, 98 * (ended - began) / end)}%`;
    track.append(bar);
    row.append(make("td", "number", `${began.toFixed(2)} s`), track, make("td", "", asked), make("td", isFault ? "fault" : "", told));
  }
  return table;
}

function fact(facts, name, value) {
  const node = make("dd");
  node.append(value);
  facts.append(make("dt", "", name), node);
}

function anchor(text, link) {
  const node = make("a", "", text);
  node.href = link;
  node.rel = "noreferrer";
  return node;
}

// Marks what lies between the common start and the common end of the two texts, in whole words.
function compare(said, expected, actual) {
  if (actual === undefined) {
    fact(said, "the page says", expected);
    return;
  }
  let head = 0;
  while (head < expected.length && head < actual.length && expected[head] === actual[head]) head++;
  let tail = 0;
  const room = Math.min(expected.length, actual.length) - head;
  while (tail < room && expected.at(-1 - tail) === actual.at(-1 - tail)) tail++;
  while (head > 0 && /\S/.test(expected[head - 1])) head--;
  while (tail > 0 && /\S/.test(expected[expected.length - tail])) tail--;
  fact(said, "the page says", marked(expected, head, tail, "page"));
  fact(said, "the server said", marked(actual, head, tail, "server"));
}

function marked(text, head, tail, side) {
  const node = make("span");
  node.append(text.slice(0, head));
  if (head < text.length - tail) node.append(make("mark", side, text.slice(head, text.length - tail)));
  node.append(text.slice(text.length - tail));
  return node;
}

function command(text) {
  const block = make("div");
  const button = make("button", "", "Copy the request as curl");
  const code = make("pre", "", text);
  button.type = "button";
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected; copy it with your keyboard";
    }
  });
  block.append(button, code);
  return block;
}

// #verdict=fail&section=3, as the table's numbers link to, or #cause=2 or #search=ID, as a cause does.
function follow() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (!["verdict", "section", "search", "cause"].some((name) => wanted.has(name))) return;
  only.clear();
  $("differing").querySelector("input").checked = false;
  const number = data.outcomes.findIndex(([outcome]) => outcome === wanted.get("verdict"));
  if (number >= 0) only.add(number);
  $("section").value = wanted.get("section") ?? "";
  $("cause").value = wanted.get("cause") ?? "";
  $("search").value = wanted.get("search") ?? "";
  press();
  filter();
  $("cases").focus();
}

function press() {
  for (const button of $("verdicts").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(only.has(Number(button.value))));
  }
}

function setUp() {
  const counts = data.outcomes.map((_, number) =>
    data.cases.filter((one) => one[5].some((cell) => verdictOf(cell) === number)).length);
  data.outcomes.forEach(([outcome, name], number) => {
    if (!counts[number]) return;
    const button = make("button", "", `${MARKS[outcome]} ${name} ${counts[number].toLocaleString("en")}`);
    button.type = "button";
    button.value = String(number);
    button.addEventListener("click", () => {
      if (!only.delete(number)) only.add(number);
      press();
      filter();
    });
    $("verdicts").append(button);
  });
  data.causes.forEach(([title], number) => $("cause").append(new Option(title, String(number))));
  $("of-cause").hidden = data.causes.length === 0;
  data.sections.forEach(([heading], number) => $("section").append(new Option(heading, String(number))));
  $("differing").hidden = data.runs.length < 2;
  $("differing").querySelector("input").checked = data.runs.length > 1;
  $("filters").hidden = false;
  if (counts[0] && data.runs.length === 1) only.add(0);
  press();
}

function turn(by) {
  start += by;
  render();
  $("cases").focus();
}

setUp();
filter();
unasked = false;
follow();
addEventListener("hashchange", follow);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("all").addEventListener("click", () => {
  $("filters").reset();
  $("differing").querySelector("input").checked = false;
  only.clear();
  press();
  filter();
});
$("section").addEventListener("change", filter);
$("cause").addEventListener("change", filter);
$("search").addEventListener("input", filter);
$("differing").addEventListener("change", filter);
$("earlier").addEventListener("click", () => turn(-SIZE));
$("later").addEventListener("click", () => turn(SIZE));
$("theme").addEventListener("click", () => {
  const themes = ["system", "light", "dark"];
  const root = document.documentElement;
  const next = themes[(themes.indexOf(root.dataset.theme ?? "system") + 1) % themes.length];
  root.dataset.theme = next;
  $("theme").textContent = `Theme: ${next}`;
});
// What is printed is what was filtered, findings unfolded, and so is all else that is folded.
const folded = () => document.querySelectorAll("main section:not(:has(#list)) details:not([open])");
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...folded()];
  for (const one of unfolded) one.open = true;
  show(found.slice(0, PRINTED));
  found.slice(0, PRINTED).forEach((one, index) => {
    if (one[5].every((cell) => typeof cell === "number")) return;
    list.children[index].open = true;
    fill(list.children[index], one);
  });
});
addEventListener("afterprint", () => {
  for (const one of unfolded) one.open = false;
  render();
});
