// Optional: the page is whole without it. One tab stop per matrix, arrow keys inside; a pair that is linked to opens.
(() => {
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    const heading = target.closest("details")?.querySelector("summary");
    if (heading) heading.focus();
  };
  addEventListener("hashchange", reveal);
  reveal();
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  for (const table of document.querySelectorAll("table.matrix")) {
    const links = [...table.querySelectorAll("td a")];
    links.forEach((link, index) => { link.tabIndex = index ? -1 : 0; });
    table.addEventListener("focusin", (event) => {
      if (event.target.tagName === "A") links.forEach((link) => { link.tabIndex = link === event.target ? 0 : -1; });
    });
    table.addEventListener("keydown", (event) => {
      const [down, right] = step[event.key] ?? [0, 0];
      let cell = event.target.closest("td");
      if (!cell || !(down || right)) return;
      event.preventDefault();
      do {
        const row = table.rows[cell.parentElement.rowIndex + down];
        cell = row?.cells[cell.cellIndex + right];
      } while (cell && !cell.querySelector("a"));
      if (cell?.closest("tbody")) cell.querySelector("a").focus();
    });
  }
})();
