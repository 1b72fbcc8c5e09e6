// Fills the page, once all parts are known.

byId("title").textContent = `Comparison of ${data.title}`;
data.runs.forEach((run, i) => {
  const change = (event) => switchRuns([i], event.target.checked);
  const box = el("input", { type: "checkbox", checked: true, value: i, onchange: change });
  byId("runs").append(el("label", { title: `${run.name} (${run.folder})` }, box, swatch(i), short(i)));
});
byId("all").onclick = () => switchRuns(data.runs.keys(), true);
byId("none").onclick = () => switchRuns(data.runs.keys(), false);
if (data.tables.length > 1) {
  byId("words").className = "warning";
  byId("words").textContent =
    `These runs were tested on ${data.tables.length} different sets of images. Scores of one set ` +
    "cannot be compared with those of another, so that each set has a table of its own.";
}

content("best").append(el("p", { className: "quiet", textContent:
  "Lead: by how much the best is better than the second best. Spread: the larger standard deviation over seeds of the two. " +
  "Picture by picture: both on the same test image; of several seeds the mean counts. All runs count here, also those switched off." }));
const alarms = data.runs.flatMap((run, i) => run.alarms.map((alarm) => [i, alarm]));
if (alarms.length) {
  const list = alarms.map(([i, alarm]) => el("li", {}, swatch(i), ` ${short(i)}, step ${alarm.step}: ${alarm.text}`));
  content("best").append(el("div", { className: "warning", id: "alarms" }, "Alarms that runs raised:", el("ul", {}, ...list)));
}
data.tables.forEach((table) => drawVerdicts(table, content("best")));
data.tables.forEach((table, place) => drawTable(table, place, content("table")));
content("table").append(el("p", { className: "quiet", textContent:
  "↑ more is better, ↓ less is better, as the score itself says; ★ the best run, baselines and ceiling aside. A click on a heading sorts. " +
  "Training time: seconds in training steps (images seen over images a second), without validation, saving and testing, ± its standard deviation over seeds; compare it between runs of one machine only." }));

drawCurves(content("curves"));

drawWall(content("pictures"));
document.addEventListener("pointermove", moveGlass);

drawOptions();
listeners.push(() => { if (byId("charts")) drawCharts(); });
