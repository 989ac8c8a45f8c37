"use strict";
// The map of each region: layers and labels by their boxes, a swipe between two layers, views to go to.
for (const figure of document.querySelectorAll("figure.webmap")) {
  const data = JSON.parse(document.getElementById(figure.dataset.source).textContent);
  const find = (selector) => figure.querySelector(selector);
  const all = (selector) => [...figure.querySelectorAll(selector)];
  figure.hidden = false;
  document.documentElement.classList.add("scripted");

  const map = L.map(find(".canvas"), {
    attributionControl: false, zoomAnimation: false, fadeAnimation: false, scrollWheelZoom: false,
    zoomSnap: 0.25, maxZoom: Math.ceil(data.zoom) + 3,
  });
  // A wheel scrolls the page until the map was chosen by a click or the Tab key.
  map.on("focus", () => map.scrollWheelZoom.enable()).on("blur", () => map.scrollWheelZoom.disable());
  map.on("zoomend", () => figure.classList.toggle("close", map.getZoom() > data.zoom));
  map.fitBounds(data.bounds[0]); // all of the region, or the first of scattered tiles
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);

  const layers = {};
  all("[data-layer]").reverse().forEach((box, height) => {
    const key = box.dataset.layer, pane = map.createPane(key);
    pane.style.zIndex = 210 + height;
    const pictures = data.layers[key].map((one) => L.imageOverlay(one.picture, one.bounds, { pane: key, className: key }));
    layers[key] = { box, pane, group: L.layerGroup(pictures) };
  });
  const line = find(".line"), slider = find(".swipe"), compare = find("[data-compare]"), opacity = find("[data-opacity]");
  const sides = Object.fromEntries(all("[data-side]").map((select) => [select.dataset.side, select]));

  const clip = () => {
    const swiping = compare?.checked && sides.left.value !== sides.right.value;
    const thumb = 44, width = map.getSize().x, height = map.getSize().y;
    const x = slider ? thumb / 2 + (width - thumb) * slider.value / 100 : 0;
    if (line) line.style.left = `${x}px`;
    const corner = map.containerPointToLayerPoint([0, 0]);
    for (const [key, layer] of Object.entries(layers)) {
      const [from, to] = key === sides.left?.value ? [0, x] : [x, width];
      const edges = [[from, 0], [to, 0], [to, height], [from, height]];
      const points = edges.map(([along, down]) => `${corner.x + along}px ${corner.y + down}px`);
      layer.pane.style.clipPath = swiping ? `polygon(${points.join(",")})` : "none";
    }
  };
  const update = () => {
    const swiping = Boolean(compare?.checked);
    for (const element of [line, slider, ...all(".side")].filter(Boolean)) element.hidden = !swiping;
    for (const [side, select] of Object.entries(sides)) {
      find(`.side.${side}`).textContent = select.selectedOptions[0].text;
      select.disabled = !swiping;
    }
    find("[data-layers]").disabled = swiping;
    for (const [key, layer] of Object.entries(layers)) {
      const shown = swiping ? Object.values(sides).some((select) => select.value === key) : layer.box.checked;
      if (shown) map.addLayer(layer.group); else map.removeLayer(layer.group);
      layer.pane.style.opacity = swiping || key === "imagery" || !opacity ? 1 : opacity.value / 100;
    }
    clip();
  };
  figure.addEventListener("change", update);
  figure.addEventListener("input", (event) => { if (event.target === slider) clip(); else update(); });
  map.on("move zoomend resize", clip);

  for (const box of all("[data-labels]")) {
    const own = data.labels[box.dataset.labels], line = { fill: false, interactive: false };
    const under = L.geoJSON(own.features, { style: { ...line, color: "#1f2a30", weight: 5 }, interactive: false });
    const over = L.geoJSON(own.features, {
      style: (label) => ({ color: own.colour, weight: 2.5, dashArray: own.dashes, fillColor: label.properties.colour, fillOpacity: 0.4 }),
      // As a node: a string would be taken for HTML.
      onEachFeature: (label, shape) => shape.bindTooltip(document.createTextNode(label.properties.words), { sticky: true }),
    });
    const group = L.layerGroup([under, over]);
    const show = () => { if (box.checked) map.addLayer(group); else map.removeLayer(group); };
    box.addEventListener("change", show);
    show();
  }

  for (const view of data.views) {
    const [[, west], [north]] = view.bounds;
    for (const [color, weight] of [["#ffffff", 4], ["#1f2a30", 2]]) L.rectangle(view.bounds, { color, weight, fill: false, interactive: false }).addTo(map);
    const icon = L.divIcon({ className: "mark", html: view.letter, iconSize: [22, 22], iconAnchor: [0, 0] });
    L.marker([north, west], { icon, interactive: false, keyboard: false }).addTo(map);
  }
  for (const button of all("[data-go]")) {
    const goal = button.dataset.go;
    button.addEventListener("click", () => map.fitBounds(goal === "all" ? L.latLngBounds(data.bounds) : data.views[goal].bounds));
  }
  update();
}
