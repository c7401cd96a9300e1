// Brings a figure of explore.live to life. Its data: the network, the examples (base64, one byte a value), the labels
// of the classes, the controls, the views by name and title, with the phrases of their sentences, and where there are
// several networks in one their names, the heads.

// A figure brings its own views along as texts. Where one cannot be read, only this view says so.
function addView(view) {
  try {
    // oxlint-disable-next-line no-eval
    var compute = eval("(" + view.script + ")");
    var tables = readTables(view.tables);
    views[view.name] = function (now) {
      return compute(now, tables);
    };
  } catch (error) {
    views[view.name] = function () {
      throw error;
    };
  }
}

function bringToLife(root, data) {
  data.views.filter(function (view) {
    return view.script;
  }).forEach(addView);
  var network = readNetwork(data.network);
  var shape = data.network.input;
  var examples = bytes(data.examples);
  var size = shape[0] * shape[1] * shape[2];
  var controls = data.controls.map(makeControl);
  var panels = data.views.map(makePanel);
  var spoken = element("p", "ib-hidden");
  var touched = onceAFrame(draw, speak);
  var brush = makeBrush(shape, touched, makeOwn);
  var example = controls.find(function (control) {
    return control.name === "example";
  });
  var answer = "";
  var said = [];

  function toTheMiddle() {
    brush.place((shape[1] - 1) / 2, (shape[2] - 1) / 2);
  }

  // Also the example that was left, for the list says then that it is there again.
  function takeExample() {
    example.set(example.position());
    var first = settings().example * size;
    brush.x = Float64Array.from(examples.subarray(first, first + size), function (value) {
      return value / 255;
    });
  }

  // Once the reader has changed it, the drawing is no example.
  function makeOwn() {
    if (!example.left()) {
      example.leave();
      writeAddress(root, controls);
    }
  }

  function settings() {
    return settingsOf(controls, data.controls);
  }

  function draw() {
    var began = performance.now();
    var chosen = settings();
    var target = "class" in chosen ? chosen.class : null;
    var now = stateOf(network, data, brush.x.slice(), target, brush.cursor, chosen);
    var surface = { values: brush.x, shape: shape };
    var results = data.views.map(function (view, k) {
      try {
        var result = views[view.name](now);
        result.text = sentence(view.phrases, result.facts);
        if (view.on_surface) {
          surface = result.pictures[0];
        }
        panels[k].show(view.on_surface ? Object.assign({}, result, { pictures: result.pictures.slice(1) }) : result);
        return result;
      } catch (error) {
        panels[k].fail(error);
        return null;
      }
    });
    said = results.map(function (result) {
      return result ? " " + result.text : "";
    });
    drawn.image(brush.surface, surface);
    answer = (data.heads || ["The network"]).map(function (name, k) {
      return name + " sees " + now.labels[bestOf(now.logits, k * now.labels.length, now.labels.length)] + ".";
    }).join(" ");
    // For whoever wants to know what stands in the page, and how long it took.
    root.dispatchEvent(new CustomEvent("ib-drawn", {
      detail: { results: results, now: now, milliseconds: performance.now() - began }
    }));
  }

  // A screen reader hears the answer and what the given view shows, or the first, when they are other ones, and not in
  // the middle of a stroke.
  function speak(view) {
    var heard = answer + said[view || 0];
    if (spoken.textContent !== heard) {
      spoken.textContent = heard;
    }
  }

  root.append(layOut());
  toTheMiddle();
  takeExample();
  draw();
  speak();
  followAddress(root, controls, function () {
    // An address that names no example leaves the reader's drawing as it is.
    if (!example.left()) {
      takeExample();
    }
    draw();
    speak();
  });

  function layOut() {
    var layout = element("div", "ib-layout");
    var desk = element("div", "ib-desk");
    var tools = element("div", "ib-controls");
    var right = element("div", "ib-views");
    var pen = button("draw", useTool);
    var eraser = button("erase", useTool);

    function useTool(event) {
      brush.erase = event.target === eraser;
      pen.setAttribute("aria-pressed", String(!brush.erase));
      eraser.setAttribute("aria-pressed", String(brush.erase));
    }

    function change(title, act) {
      return button(title, function () {
        act();
        draw();
        speak();
      });
    }

    // Everything is as a reader meets it.
    function reset() {
      controls.forEach(function (control, k) {
        control.set(data.controls[k].start);
      });
      useTool({ target: pen });
      toTheMiddle();
      takeExample();
      draw();
      speak();
      clearAddress(root);
    }

    useTool({ target: pen });
    tools.append(pen, eraser, change("clear", function () {
      brush.x.fill(0);
      makeOwn();
    }), change("centre", function () {
      brush.x = centered(brush.x, shape);
      makeOwn();
    }), button("reset", reset));
    spoken.setAttribute("aria-live", "polite");
    desk.dataset.title = data.views.some(function (view) {
      return view.on_surface;
    }) ? "the input, with your drawing" : "your drawing";
    desk.append(brush.surface, tools);
    controls.forEach(function (control) {
      var owner = data.views.findIndex(function (view) {
        return view.settings.indexOf(control.name) >= 0;
      });
      if (owner < 0) {
        desk.append(control.box);
      } else {
        panels[owner].insertBefore(control.box, panels[owner].children[1]);
      }
      control.input.addEventListener("input", function () {
        if (control.name === "example") {
          takeExample();
        }
        draw();
        speak(Math.max(0, owner));
        writeAddress(root, controls);
      });
    });
    right.append.apply(right, panels);
    layout.append(desk, right);
    var whole = document.createDocumentFragment();
    whole.append(layout, spoken);
    return whole;
  }
}
