// A wall of pictures: rows are inputs, columns are runs, and the truth stands last.

const wall = { place: 0, score: "", show: "made", order: "split", of: "mean", a: "0", b: "1", kind: "either", cell: 144, zoom: 4 };
let album = null; // base64 by number, parsed once it is needed
const urls = [];

function pictureUrl(number) {
  if (number === null || number === undefined) return null;
  album ??= JSON.parse(byId("album").textContent);
  if (album[number] === null) return null;
  if (!urls[number]) {
    const text = atob(album[number]), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    urls[number] = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
  }
  return urls[number];
}

const here = () => data.walls[wall.place];
const hasTruth = (w) => w.rows.some((row) => row.target !== null);
const hasBack = (w) => w.rows.some((row) => row.backs.some((number) => number !== null));
const hasInput = (w) => w.rows.some((row) => row.input !== null);

// The columns that are seen: each has a heading, and the number of its picture in a row.
function columns() {
  const w = here();
  const made = (run, i) => ({ id: String(run), run, i, head: short(run), picture: (row) => row.outputs[i] });
  const back = (run, i) => ({ id: `back ${run}`, run, i, back: true, head: `${short(run)}, back`, picture: (row) => row.backs[i] });
  const kinds = { made: [made], back: [back], both: [made, back] }[hasBack(w) ? wall.show : "made"];
  const runs = w.runs.flatMap((run, i) => kinds.map((kind) => kind(run, i)));
  if (wall.order === "difference") { // the two that are compared come first
    const place = (c) => [wall.a, wall.b].findIndex((key) => members(key).includes(c.run));
    runs.sort((x, y) => (place(x) + 3) % 3 - (place(y) + 3) % 3);
  }
  return [
    ...(hasInput(w) ? [{ id: "input", head: "input", picture: (row) => row.input }] : []),
    ...runs.filter((column) => !hidden.has(column.run)),
    ...(hasTruth(w) ? [{ id: "truth", head: "truth", picture: (row) => row.target }] : []),
  ];
}

const score = () => here().scores.find((s) => s.name === wall.score);
// Of some runs those with a score of single pictures; a seed that failed has none.
function scored(runs, name, w = here()) {
  return runs.filter((run) => { const i = w.runs.indexOf(run); return i >= 0 && w.rows.some((row) => row.scores[i][name] !== undefined); });
}
const several = () => data.tables[here().table].variants.map((v, i) => [`v${i}`, v])
  .filter(([, v]) => v.runs.length > 1 && v.runs.some((run) => here().runs.includes(run)));
// The runs that an entry of a list stands for: a run, the seeds of a variant, or all that are shown.
function members(key) {
  if (key === "mean") return scored(here().runs.filter((run) => !hidden.has(run)), wall.score);
  return key[0] === "v" ? scored(data.tables[here().table].variants[key.slice(1)].runs, wall.score) : [Number(key)];
}
// A score of one picture, of several runs the mean, turned so that more is better.
function merit(row, key) {
  const values = members(key).map((run) => num(row.scores[here().runs.indexOf(run)]?.[wall.score]));
  const value = values.reduce((a, b) => a + b, 0) / values.length;
  return score()?.more === false ? -value : value;
}
function difference(row) {
  const one = merit(row, wall.a), two = merit(row, wall.b);
  if (one === two) return 0; // also of two infinite ones
  return wall.kind === "either" ? Math.abs(one - two) : one - two;
}

function sortedRows() {
  const rows = [...here().rows];
  if (wall.order === "split" || !score()) return rows;
  if (wall.order === "difference") return rows.sort((x, y) => bySize(difference(x), difference(y), true));
  return rows.sort((x, y) => bySize(merit(x, wall.of), merit(y, wall.of), wall.order === "best"));
}

function cellOfPicture(row, column, rows) {
  const url = pictureUrl(column.picture(row));
  const cell = el("div", { className: column.id === "truth" ? "truth" : "" });
  if (url === null) return el("div", { className: "quiet", textContent: "no picture" });
  const open = () => openPair(rows, rows.indexOf(row), column.id);
  const image = el("img", { src: url, alt: "", draggable: false, decoding: "async" });
  cell.append(el("button", { className: "picture", onclick: open }, image));
  if (column.run !== undefined && !column.back && wall.score) { // scores are of what was made
    cell.append(el("small", { textContent: shown(row.scores[column.i]?.[wall.score]) }));
  }
  return cell;
}

// Rows hold pictures while they are near what is seen, and have their height all the time.
function fillRow(node, row, rows) {
  const told = el("div", {}, row.name);
  if (wall.order === "difference" && score()) told.append(el("small", { className: "quiet", textContent: `Δ ${shown(difference(row))}` }));
  node.replaceChildren(told, ...columns().map((column) => cellOfPicture(row, column, rows)));
}

let watcher = null;
function drawGrid() {
  const grid = byId("grid"), rows = sortedRows(), seen = columns();
  const tracks = `110px repeat(${seen.length}, ${wall.cell}px)`, tall = Math.round(wall.cell * here().aspect);
  grid.style.setProperty("--tall", `${tall}px`);
  watcher?.disconnect();
  watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    const node = entry.target;
    if (entry.isIntersecting) fillRow(node, rows[node.dataset.place], rows);
    else node.replaceChildren();
  }), { root: grid, rootMargin: "300px" });
  const head = el("div", { className: "row head", style: { "grid-template-columns": tracks } }, el("div", { textContent: "image" }));
  seen.forEach((c) => head.append(el("div", { className: c.id === "truth" ? "truth" : "", title: c.run === undefined ? "" : data.runs[c.run].name }, ...(c.run === undefined ? [] : [swatch(c.run), " "]), c.head)));
  const nodes = rows.map((row, place) => el("div", { className: "row body", "data-place": place, "data-image": row.name,
    style: { "grid-template-columns": tracks, "min-height": `${tall + 28}px` } }));
  grid.replaceChildren(head, ...nodes);
  grid.scrollTop = 0;
  nodes.forEach((node) => watcher.observe(node));
}

function drawControls() {
  const w = here(), bar = byId("wall-controls");
  const change = (key, cast = String) => (value) => { wall[key] = cast(value); drawControls(); drawGrid(); };
  const runs = [...several().map(([key, v]) => [key, `${shortOf(v)} (${seeds(members(key).length, v.runs.length)})`]), ...w.runs.map((run) => [String(run), short(run)])];
  const add = (key, label, choices, cast) => {
    const [node, box] = select(label, choices, change(key, cast));
    box.id = `wall-${key}`;
    box.value = wall[key];
    bar.append(node);
  };
  bar.replaceChildren();
  if (data.walls.length > 1) add("place", "test", data.walls.map((x, i) => [i, x.title]), (v) => { reset(Number(v)); return Number(v); });
  if (hasBack(w)) add("show", "show", [["made", "what was made"], ["back", "what came back"], ["both", "both"]]);
  if (w.scores.length) {
    add("score", "score", w.scores.map((s) => [s.name, heading(s) + arrow(s.more)]));
    add("order", "order", [["split", "as in the split"], ["worst", "worst first"], ["best", "best first"], ["difference", "largest difference between two runs"]]);
  }
  if (["worst", "best"].includes(wall.order)) add("of", "of", [["mean", "the mean of the runs shown"], ...runs]);
  if (wall.order === "difference") {
    add("a", "A", runs);
    add("b", "B", runs);
    add("kind", "first", [["either", "either way"], ["a", "where A is better"]]);
  }
  add("cell", "size", [[96, "small"], [144, "medium"], [256, "large"]], Number);
  add("zoom", "magnifying glass", [[1, "off"], [2, "2 times"], [4, "4 times"], [8, "8 times"]], Number);
}

function reset(place) {
  const w = data.walls[place];
  Object.assign(wall, { place, score: w.scores[0]?.name ?? "", order: "split", of: "mean", a: String(w.runs[0]), b: String(w.runs[1] ?? w.runs[0]), kind: "either" });
  byId("wall-words").textContent = [...w.notes, ...data.pictures.damaged].join("; ");
}

const wallOf = (place, name) => data.walls.findIndex((w) => w.table === place && w.scores.some((s) => s.full === name));
const canShow = (place, v) => {
  const i = wallOf(place, v.score), w = data.walls[i], table = data.tables[place];
  const has = (run) => data.runs[run].scores[v.score] !== undefined;
  return i >= 0 && [v.best, v.second].every((x) => table.variants[x].runs.every((run) => !has(run) || w.runs.includes(run)));
};

// The wall of a score with the pictures first on which one variant is better than another.
function showDifference(place, name, one, other) {
  const i = wallOf(place, name), variants = data.tables[place].variants;
  const key = (v) => (variants[v].runs.length > 1 ? `v${v}` : String(variants[v].runs[0]));
  reset(i);
  switchRuns([...variants[one].runs, ...variants[other].runs], true);
  Object.assign(wall, { score: data.walls[i].scores.find((s) => s.full === name).name, order: "difference", a: key(one), b: key(other), kind: "a" });
  drawControls();
  drawGrid();
  byId("pictures").scrollIntoView();
}

function drawWall(where) {
  if (!data.walls.length) {
    where.append(el("p", { textContent: "No run has pictures of its test (test_pictures): it was not tested, or by an older version." }));
    return;
  }
  const { side, quality } = data.pictures;
  where.append(
    el("p", { className: "quiet", textContent: "Point at a picture: the glass shows the same place in all columns. Click on one: a slider between any two. " +
      `Pictures have up to ${side} pixels a side, as WebP of quality ${quality}; the scores are of the pictures as they were made.` }),
    el("p", { id: "wall-words", className: "quiet" }), el("div", { id: "wall-controls", className: "controls" }), el("div", { id: "grid" }));
  reset(0);
  drawControls();
  whenSeen(byId("grid"), drawGrid);
  listeners.push(drawGrid);
}
