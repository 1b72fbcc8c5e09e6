// The magnifying glass over all columns of the wall, and the slider between two pictures.

function moveGlass(event) {
  const picture = event.target.closest?.(".picture");
  if (!picture || wall.zoom < 2) { dropGlass(); return; }
  const box = picture.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  const row = picture.closest(".row");
  if (moveGlass.row !== row) dropGlass();
  moveGlass.row = row;
  row.querySelectorAll(".picture").forEach((other) => magnify(other, x, y));
}

// A lens at the same place of a picture, whose middle is the point that is pointed at.
function magnify(picture, x, y) {
  const image = picture.querySelector("img"), size = Math.round(picture.clientWidth * 0.55);
  const scale = Math.min(picture.clientWidth / image.naturalWidth, picture.clientHeight / image.naturalHeight);
  const width = image.naturalWidth * scale, height = image.naturalHeight * scale; // object-fit: contain
  const px = x * picture.clientWidth - (picture.clientWidth - width) / 2;
  const py = y * picture.clientHeight - (picture.clientHeight - height) / 2;
  let lens = picture.querySelector(".lens");
  if (!lens) picture.append(lens = el("div", { className: "lens" }));
  Object.assign(lens.style, {
    width: `${size}px`, height: `${size}px`,
    left: `${x * picture.clientWidth - size / 2}px`, top: `${y * picture.clientHeight - size / 2}px`,
    backgroundImage: `url("${image.src}")`, backgroundSize: `${width * wall.zoom}px ${height * wall.zoom}px`,
    backgroundPosition: `${size / 2 - px * wall.zoom}px ${size / 2 - py * wall.zoom}px`,
  });
}

function dropGlass() {
  document.querySelectorAll(".lens").forEach((lens) => lens.remove());
  moveGlass.row = null;
}

// A dialog with two pictures on top of one another, and an edge between them that can be moved.
const pair = { rows: [], place: 0, left: "", right: "", edge: 50 };

function openPair(rows, place, id) {
  const ids = columns().map((c) => c.id), other = ids.at(-1) === id ? ids.at(-2) : ids.at(-1);
  Object.assign(pair, { rows, place, left: id, right: other ?? id, edge: 50 });
  dropGlass();
  drawPair();
  byId("pair").showModal();
}

function side(key) {
  const [node, box] = select(key, columns().map((c) => [c.id, c.head]), (value) => { pair[key] = value; drawPair(); });
  box.id = `pair-${key}`;
  box.value = pair[key];
  return node;
}

function drawPair() {
  const row = pair.rows[pair.place], seen = columns();
  const column = (key) => seen.find((c) => c.id === pair[key]);
  const step = (by) => () => { pair.place = (pair.place + by + pair.rows.length) % pair.rows.length; drawPair(); };
  const told = (key) => {
    const c = column(key);
    return c.run === undefined || c.back || !wall.score ? "" : `${key}: ${heading(score())} ${shown(row.scores[c.i]?.[wall.score])}`;
  };
  const stage = el("div", { className: "stage", style: { "--aspect": String(1 / here().aspect) } });
  const images = ["right", "left"].map((key) => el("img", { src: pictureUrl(column(key).picture(row)) ?? "", alt: "", className: key }));
  const edge = el("div", { className: "edge" });
  const range = el("input", { type: "range", min: 0, max: 100, step: 0.1, id: "pair-edge", oninput: () => move(range.valueAsNumber) });
  const move = (percent) => {
    pair.edge = Math.min(100, Math.max(0, percent));
    images[1].style.clipPath = `inset(0 ${100 - pair.edge}% 0 0)`;
    edge.style.left = `${pair.edge}%`;
    range.value = pair.edge;
  };
  stage.append(...images, edge);
  stage.onpointermove = (event) => move(((event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth) * 100);
  byId("pair").replaceChildren(
    el("div", { className: "controls" }, el("strong", { textContent: row.name }), side("left"), side("right"),
      el("button", { textContent: "previous", onclick: step(-1) }), el("button", { id: "pair-next", textContent: "next", onclick: step(1) }),
      el("button", { id: "pair-close", textContent: "close", onclick: () => byId("pair").close() })),
    stage, range, el("p", { className: "quiet", textContent: ["left", "right"].map(told).filter(Boolean).join("; ") }));
  move(pair.edge);
}
