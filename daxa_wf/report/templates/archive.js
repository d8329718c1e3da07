"use strict";
(() => {
  const table = document.getElementById("observations");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const marks = new Map();
  for (const mark of document.querySelectorAll("[data-i]")) {
    const list = marks.get(mark.dataset.i) || [];
    list.push(mark);
    marks.set(mark.dataset.i, list);
  }
  const marksOf = (index) => marks.get(String(index)) || [];
  const [filter, mission, status, shown] = ["filter", "mission", "status", "shown"].map((id) => document.getElementById(id));
  const LAST = heads.length - 1;
  const cell = (row, column) => row.cells[column].textContent;

  function update() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      const fits = words.every((word) => texts[index].includes(word)) &&
        (!mission.value || cell(row, 2) === mission.value) && (!status.value || cell(row, LAST) === status.value);
      row.hidden = !fits;
      count += fits ? 1 : 0;
      for (const mark of marksOf(index)) mark.classList.toggle("off", !fits);
    });
    shown.textContent = `${count} of ${rows.length}`;
  }

  function sort(column) {
    const falling = heads[column].getAttribute("aria-sort") === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", falling ? "descending" : "ascending");
    const numeric = heads[column].classList.contains("n");
    const keys = new Map(rows.map((row) => {
      const text = cell(row, column);
      return [row, numeric ? (text === "" ? NaN : Number(text)) : text];
    }));
    const order = [...rows].sort((one, two) => {
      const [a, b] = [keys.get(one), keys.get(two)];
      if (numeric) {
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        return falling ? b - a : a - b;
      }
      const compared = a < b ? -1 : a > b ? 1 : 0;
      return falling ? -compared : compared;
    });
    body.append(...order);
  }

  function save() {
    const quoted = (text) => {
      const safe = /^[=@\t\r]/.test(text) || /^[+-](?![\d.]+$)/.test(text) ? `'${text}` : text;
      return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const lines = [heads.slice(1).map((head) => quoted(head.textContent.trim())).join(",")];
    for (const row of body.rows) {
      if (!row.hidden) lines.push([...row.cells].slice(1).map((item) => quoted(item.textContent)).join(","));
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = "observations.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const light = (index, on) => marksOf(index).forEach((mark) => mark.classList.toggle("lit", on));
  document.addEventListener("mouseover", (event) => {
    const mark = event.target.closest("[data-i]");
    tip.hidden = !mark;
    if (!mark) return;
    const row = rows[mark.dataset.i];
    tip.textContent = [1, 3, 2, 6].map((column) => cell(row, column)).filter(Boolean).join(" · ");
    tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${event.clientY + 14}px`;
    light(mark.dataset.i, true);
  });
  document.addEventListener("mouseout", (event) => {
    const mark = event.target.closest("[data-i]");
    if (mark) light(mark.dataset.i, false);
  });
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-i]");
    const link = mark && rows[mark.dataset.i].querySelector("a");
    if (link) link.click();
  });
  rows.forEach((row, index) => {
    row.addEventListener("mouseenter", () => light(index, true));
    row.addEventListener("mouseleave", () => light(index, false));
  });

  heads.forEach((head, column) => {
    if (!column) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(column));
    head.replaceChildren(button);
  });
  for (const item of [filter, mission, status]) item.addEventListener("input", update);
  document.getElementById("csv").addEventListener("click", save);
  document.querySelector(".tools").hidden = false;
  update();
})();
