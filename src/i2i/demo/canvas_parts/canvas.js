// The sheet: every pixel that is drawn has exactly one of the colours, none is a mixture of two.
// Colours may have an opacity; a picture may lie behind the sheet, which is seen where that is 0.
const KEPT = 30; // strokes that can be taken back
const PAUSE = 120; // ms between two pictures that are sent while a stroke goes on
const find = (selector) => element.querySelector(selector);
const canvas = find(".sheet"), ink = canvas.getContext("2d", { willReadFrequently: true });
const state = { tool: "brush", colour: "#000000", width: 8, undo: [], last: null, sent: 0, shown: "", behind: "" };

const levels = (hex) => [1, 3, 5, 7].map((at) => parseInt(hex.slice(at, at + 2) || "ff", 16));
const whole = () => ink.getImageData(0, 0, canvas.width, canvas.height);

function send() {
  state.sent = performance.now();
  state.shown = canvas.toDataURL("image/png");
  props.value = { ...props.value, png: state.shown, behind: "", name: "drawing" };
  trigger("input");
}

function keep() {
  state.undo.push(whole());
  if (state.undo.length > KEPT) state.undo.shift();
  find(".undo").disabled = false;
}

function undo() {
  const before = state.undo.pop();
  find(".undo").disabled = !state.undo.length;
  if (!before) return;
  [canvas.width, canvas.height] = [before.width, before.height];
  ink.putImageData(before, 0, 0);
  send();
}

function paint(colour, ...box) {
  ink.clearRect(...box);
  ink.fillStyle = colour;
  ink.fillRect(...box);
}

function clear() {
  keep();
  const [height, width] = props.value.size;
  [canvas.width, canvas.height] = [width, height];
  paint(props.value.paper, 0, 0, width, height);
  send();
}

// A disc of whole pixels, row by row; those whose centre lies in it.
function stamp(x, y) {
  const wide = state.width, r = wide / 2, middle = Math.floor(x) + (wide % 2) / 2;
  const top = Math.floor(y) + (wide % 2) / 2 - r;
  for (let row = 0; row < wide; row++) {
    const half = Math.sqrt(r * r - (row + 0.5 - r) ** 2);
    const from = Math.round(middle - half), to = Math.round(middle + half);
    paint(state.colour, from, top + row, to - from, 1);
  }
}

function line(from, to) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / Math.max(1, state.width / 4)));
  for (let k = 0; k <= steps; k++) {
    stamp(from[0] + ((to[0] - from[0]) * k) / steps, from[1] + ((to[1] - from[1]) * k) / steps);
  }
}

function fill(x, y) {
  const image = whole(), pixels = new Uint32Array(image.data.buffer), width = image.width;
  const colour = new Uint32Array(Uint8ClampedArray.from(levels(state.colour)).buffer)[0];
  const start = y * width + x, old = pixels[start], open = [start];
  if (old === colour) return;
  pixels[start] = colour;
  while (open.length) {
    const at = open.pop(), column = at % width, near = [at - width, at + width];
    if (column > 0) near.push(at - 1);
    if (column < width - 1) near.push(at + 1);
    for (const next of near) {
      if (pixels[next] !== old) continue;
      pixels[next] = colour;
      open.push(next);
    }
  }
  ink.putImageData(image, 0, 0);
}

// Where the picture lies in the box of the canvas, which may be wider or higher (object-fit).
function place(event) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const left = box.left + (box.width - scale * canvas.width) / 2;
  const top = box.top + (box.height - scale * canvas.height) / 2;
  return [Math.floor((event.clientX - left) / scale), Math.floor((event.clientY - top) / scale)];
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = place(event);
  keep();
  if (state.tool === "fill") {
    if (x >= 0 && y >= 0 && x < canvas.width && y < canvas.height) fill(x, y);
    return send();
  }
  state.last = [x, y];
  stamp(x, y);
  send();
});
canvas.addEventListener("pointermove", (event) => {
  if (!state.last) return;
  for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
    const at = place(one);
    line(state.last, at);
    state.last = at;
  }
  if (performance.now() - state.sent > PAUSE) send();
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, () => {
    if (state.last) send();
    state.last = null;
  });
}

function choose(tool) {
  state.tool = tool;
  for (const button of element.querySelectorAll(".tool")) button.classList.toggle("on", button.dataset.tool === tool);
}
for (const button of element.querySelectorAll(".tool")) button.addEventListener("click", () => choose(button.dataset.tool));
find(".undo").addEventListener("click", undo);
find(".clear").addEventListener("click", clear);
function resize(width) {
  state.width = Math.min(Number(width), Number(find(".size").max));
  find(".size").value = find("output").textContent = state.width;
}
find(".size").addEventListener("input", (event) => resize(event.target.value));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]), textarea, select");
  if (typing || !element.isConnected || !element.offsetParent) return;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "z") { event.preventDefault(); undo(); }
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (key === "b") choose("brush");
  else if (key === "f") choose("fill");
});

function palette(colours) {
  const box = find(".palette");
  box.replaceChildren(...colours.map(([name, hex]) => {
    const button = document.createElement("button"), dot = document.createElement("span");
    button.type = "button";
    button.className = "colour";
    button.dataset.colour = hex;
    dot.className = "dot";
    dot.style.background = hex;
    button.append(dot, name);
    button.addEventListener("click", () => {
      state.colour = hex;
      for (const other of box.children) other.classList.toggle("on", other === button);
    });
    return button;
  }));
  box.firstChild?.click();
}

// A picture that the server sends takes the place of the one that is there.
function take() {
  const value = props.value;
  const other = value?.behind && value.behind !== state.behind;
  if (!value || !value.png || (value.png === state.shown && !other)) return;
  const colours = JSON.stringify(value.colours), first = !state.shown;
  if (colours !== state.colours) {
    state.colours = colours;
    palette(value.colours);
    resize(value.width);
  }
  state.shown = value.png;
  if (other) state.behind = value.behind;
  const image = new Image();
  image.onload = () => {
    if (value.png !== state.shown || (value.behind && value.behind !== state.behind)) return;
    if (!first) keep();
    if (other) { // what was drawn over another picture does not come back
      state.undo = [];
      find(".undo").disabled = true;
    }
    canvas.style.background = value.behind ? `url(${value.behind}) center / contain no-repeat` : "";
    [canvas.width, canvas.height] = [image.width, image.height];
    ink.drawImage(image, 0, 0);
    canvas.dataset.ready = value.name;
  };
  image.src = value.png;
}
watch("value", take);
take();
