// Brings a figure of explore.plane to life. Its data: the scene's script and phrases, the handles, the controls, the
// limits, ticks and names of the axes, whether their units are equal, the palette, and the scene's tables.

function bringToLife(root, data) {
  // oxlint-disable-next-line no-eval
  var compute = eval("(" + data.script + ")");
  var tables = readTables(data.tables);
  var controls = data.controls.map(makeControl);
  var touched = onceAFrame(draw, speak);
  var handles = data.handles.map(function (description) {
    return makeHandle(description, data.limits, touched);
  });
  var panels = {};
  var picture = svg("svg", { role: "group", "aria-label": data.title });
  var axes = svg("g", {});
  var marks = svg("g", { "clip-path": "url(#" + root.id + "-inside)" });
  var inside = svg("rect", { x: MARGIN.left, y: MARGIN.top });
  var surface = element("div", "ib-surface");
  var legend = element("div", "ib-legend");
  var side = element("div", "ib-views");
  var text = element("p", "ib-text");
  var spoken = element("p", "ib-hidden");
  var frame = null;

  function now() {
    var state = { points: {}, settings: settingsOf(controls, data.controls), limits: data.limits };
    handles.forEach(function (handle, k) {
      state.points[data.handles[k].name] = handle.point;
    });
    return state;
  }

  function draw() {
    var began = performance.now();
    var state = now();
    var result = compute(state, tables);
    result.text = sentence(data.phrases, result.facts);
    drawMarks(marks, legend, frame, result.marks, data.palette);
    handles.forEach(function (handle, k) {
      var name = data.handles[k].name;
      handle.show(frame, (result.places || {})[name] || state.points[name]);
    });
    (result.pictures || []).forEach(function (titled) {
      panelOf(titled[0]).show({ pictures: [titled[1]], text: result.text });
    });
    text.textContent = result.text;
    // For whoever wants to know what stands in the page, and how long it took.
    root.dispatchEvent(new CustomEvent("ib-drawn", {
      detail: { result: result, now: state, milliseconds: performance.now() - began }
    }));
  }

  function panelOf(title) {
    if (!panels[title]) {
      panels[title] = makePanel({ title: title });
      side.append(panels[title]);
    }
    return panels[title];
  }

  // A screen reader hears where a movement ends.
  function speak() {
    spoken.textContent = text.textContent;
  }

  function fit() {
    var width = Math.max(240, surface.clientWidth);
    var height = data.equal ? heightOf(data.limits, width) : Math.round(Math.min(420, Math.max(260, 0.62 * width)));
    if (frame && frame.width === width) {
      return;
    }
    frame = frameOf(data.limits, width, height);
    picture.setAttribute("viewBox", "0 0 " + width + " " + height);
    picture.style.height = height + "px";
    inside.setAttribute("width", frame.inner.width);
    inside.setAttribute("height", frame.inner.height);
    axes.replaceChildren(drawAxes(frame, data));
    draw();
  }

  function layOut() {
    var bar = element("div", "ib-controls");
    var layout = element("div", "ib-layout");
    var clip = svg("clipPath", { id: root.id + "-inside" });
    controls.forEach(function (control, k) {
      var group = element("span", "ib-control");
      group.append(control.box);
      if (data.controls[k].kind === "range") {
        group.append(makePlay(control, data.controls[k].title, moved));
      }
      control.input.addEventListener("input", moved);
      bar.append(group);
    });
    bar.append(button("reset", function () {
      handles.forEach(function (handle) {
        handle.reset();
      });
      controls.forEach(function (control, k) {
        control.set(data.controls[k].start);
      });
      touched(true);
      clearAddress(root);
    }));
    spoken.setAttribute("aria-live", "polite");
    clip.append(inside);
    picture.append(clip, axes, marks);
    picture.append.apply(picture, handles);
    surface.append(picture, legend);
    layout.append(surface, side);
    root.append(bar, layout, text, spoken);
  }

  function moved() {
    touched(true);
    writeAddress(root, controls);
  }

  layOut();
  fit();
  new ResizeObserver(fit).observe(surface);
  followAddress(root, controls, draw);
}
