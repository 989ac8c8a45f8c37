"use strict";
// A heading is a button that sorts its table by data-value: numbers as numbers, missing ones last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const ascending = heading.getAttribute("aria-sort") === "descending" || !heading.hasAttribute("aria-sort") && column === 0;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.value;
      const rows = [...table.tBodies[0].rows].sort((one, two) => {
        const [a, b] = [value(one), value(two)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
        return ascending ? order : -order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
// The contents, from the headings; on a phone they open on demand.
const contents = document.querySelector(".contents");
document.querySelectorAll("main h2").forEach((heading, number) => {
  const link = document.createElement("a");
  heading.id = `section-${number}`;
  link.href = `#${heading.id}`;
  link.textContent = heading.textContent;
  link.className = heading.className;
  contents.querySelector("nav").append(link);
});
contents.hidden = false;
contents.open = matchMedia("(min-width: 761px)").matches;
