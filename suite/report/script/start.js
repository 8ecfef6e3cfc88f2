// Takes over from the static tables, and keeps address, switches and page in step.
const drawAll = (focus) => {
  const scenario = now();
  byId("scenario").selectedIndex = state.scenario;
  byId("quantity").replaceChildren(h("option", { value: "" }, "the worst of all"), ...Object.keys(scenario.q).map((name) => h("option", name)));
  byId("quantity").value = state.quantity;
  byId("show").value = state.show;
  drawMatrix();
  drawSaved();
  drawPair(focus);
  drawLayers();
};
const copy = () => copyTo(byId("said"), `Keras parity ${DATA.report} ${location.hash || (DATA.scenarios.length ? addressOf({}) : "")}`);
const systemDark = matchMedia("(prefers-color-scheme: dark)");
// Light, dark, and back to what the system says.
const turnTheme = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
  root.dataset.theme = dark ? "light" : "dark";
  paint();
};
each(".buttons, .copies", (node) => { node.hidden = false; });
byId("copy").addEventListener("click", copy);
byId("theme").addEventListener("click", turnTheme);
systemDark.addEventListener("change", paint);
if (DATA.scenarios.some((scenario) => scenario.v.replaceAll(".", ""))) {
  each(".static", (node) => node.remove());
  for (const id of ["switches", "matrix", "checks", "table"]) byId(id).hidden = false;
  for (const name of ["quantity", "show"]) byId(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  byId("scenario").addEventListener("change", (event) => change({ scenario: event.target.selectedIndex }));
  // A link to a check leads to the table of saved models; one to a pair puts the focus on its heading.
  const follow = () => {
    if (!readState()) return false;
    const target = byId(new URLSearchParams(location.hash.slice(1)).get("at") ?? "");
    drawAll(!target);
    target?.scrollIntoView();
    return true;
  };
  addEventListener("hashchange", () => follow() || unfold());
  if (!follow()) {
    state.scenario = DATA.first;
    choosePair();
    drawAll();
  }
  drawTable();
} else addEventListener("hashchange", unfold);
each("[data-show], [data-findings]", (link) => link.addEventListener("click", chooseCauses));
each("[data-copy]", (button) => button.addEventListener("click", () => copyTo(button.parentElement.lastElementChild, button.dataset.copy)));
each("#chosen button", (button) => button.addEventListener("click", () => showCauses("", () => true)));
unfold();
