
/* Tables are sorted by a click on a heading, and copied as text with tabs. The page says the same without this script. */
"use strict";
(function () {
  function number(text) {
    var found = text.replace(/,/g, "").replace(/\u2212/g, "-").match(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/i);
    return found ? parseFloat(found[0]) : NaN;
  }
  function compare(a, b) {
    var x = number(a), y = number(b);
    if (isNaN(x) || isNaN(y)) { return isNaN(x) ? (isNaN(y) ? a.localeCompare(b) : 1) : -1; }
    return x - y;
  }
  function sort(table, column, head) {
    var falling = head.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("thead th").forEach(function (th) { th.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    var words = head.classList.contains("words");
    Array.from(table.tBodies[0].rows).map(function (row, place) {
      return { row: row, place: place, key: row.cells[column] ? row.cells[column].textContent : "" };
    }).sort(function (a, b) {
      var order = words ? a.key.localeCompare(b.key) : compare(a.key, b.key);
      return (falling ? -order : order) || a.place - b.place;
    }).forEach(function (entry) { table.tBodies[0].appendChild(entry.row); });
  }
  function copy(table, button) {
    var text = Array.from(table.rows).map(function (row) {
      return Array.from(row.cells).map(function (cell) { return cell.textContent.trim(); }).join("\t");
    }).join("\n") + "\n";
    var area = document.createElement("textarea");
    area.value = text;
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    button.textContent = done ? "Copied" : "Not copied: select the table by hand";
    setTimeout(function () { button.textContent = "Copy table"; }, 2000);
  }
  document.querySelectorAll("table").forEach(function (table) {
    if (!table.tHead || !table.tBodies[0]) { return; }
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      if (!head.textContent) { return; }
      var button = document.createElement("button");
      button.type = "button";
      button.title = "Sort";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () { sort(table, column, head); });
    });
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy table";
    button.addEventListener("click", function () { copy(table, button); });
    table.insertAdjacentElement("afterend", button);
  });
})();
