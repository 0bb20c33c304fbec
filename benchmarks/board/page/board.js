
// Draws the tables of several data sets, a group for each protocol.

const facts = JSON.parse(byId("facts").textContent);

function drawn(table) {
  const columns = table.columns.map((title, place) => ({ title, better: table.better[place] || undefined }));
  const rows = table.rows.map((cells, place) => ({ kind: table.kinds[place], cells }));
  return sortable(table.title, columns, rows, {});
}

function folded(title, ...content) {
  return element("details", { class: "fold" }, element("summary", {}, title), ...content);
}

function drawMetric(place, metric) {
  const figure = metric.figure ? element("figure", { class: "figure" }, element("img", { src: metric.figure, alt: "Mean ranks with the critical difference; the same numbers stand in the table" })) : null;
  place.replaceChildren(drawn(metric.table), ...metric.verdict.map((line) => element("p", { class: "verdict" }, ...prose(line))), ...(figure ? [figure] : []));
}

function drawGroup(group, number) {
  const title = facts.groups.length > 1 ? `Protocol ${number + 1}` : "All data sets";
  const select = element("select");
  const place = element("div", { class: "across" });
  choices(select, group.metrics.map((metric) => metric.table.title), 0, (chosen) => drawMetric(place, group.metrics[chosen]));
  if (group.metrics.length) drawMetric(place, group.metrics[0]);
  const entries = drawnEntries(group.entries);
  return element("section", {}, element("h2", {}, title), element("ul", { class: "claims" }, ...items(group.caption)),
    element("div", { class: "controls" }, element("label", {}, "Metric ", select)), place,
    element("h3", {}, "By data set"), ...group.sets.map((table) => folded(table.title, drawn(table))),
    folded("Benches", entries), folded("What all of them share", element("pre", {}, JSON.stringify(group.protocol, null, 1))));
}

function drawnEntries(entries) {
  const cell = (text) => ({ text, value: text });
  return sortable("Benches", ["bench", "data set", "protocol", "i2i"].map((title) => ({ title })), entries.map((entry) => ({ kind: "", cells: entry.map(cell) })), {});
}

document.title = facts.title;
byId("title").textContent = facts.title;
byId("made").textContent = `Written by i2i ${facts.version}.`;
byId("theme").onchange = (event) => { document.documentElement.dataset.theme = event.target.value; };
byId("groups").replaceChildren(...facts.groups.map(drawGroup));
