// Brings a figure of explore.live to life. Its data: the network, the examples (base64, one byte a value), the labels
// of the classes, the controls, and the views by name and title.

function softmax(logits) {
  var most = Math.max.apply(null, logits);
  var raised = Array.from(logits, function (logit) {
    return Math.exp(logit - most);
  });
  var total = sum(raised);
  return raised.map(function (value) {
    return value / total;
  });
}

// The state of the network at one input; see views.js. Without a target it is the class with the largest logit.
function stateOf(network, data, x, target, cursor, settings) {
  var trace = forward(network, x);
  var logits = trace[trace.length - 1];
  var parts = null;
  var now = {
    network: network, x: x, shape: data.network.input, trace: trace, logits: logits, probabilities: softmax(logits),
    target: target === null ? logits.indexOf(Math.max.apply(null, logits)) : target,
    labels: data.labels, cursor: cursor, settings: settings
  };
  now.gradients = function (adjoint) {
    return backward(network, trace, Float64Array.from(adjoint));
  };
  now.parts = function () {
    if (!parts) {
      var adjoints = now.gradients(data.labels.map(function (_, k) {
        return k === now.target ? 1 : 0;
      }));
      parts = fullGradients(network, trace, adjoints);
      parts.gradient = adjoints[0];
    }
    return parts;
  };
  now.at = function (other) {
    return stateOf(network, data, other, now.target, cursor, settings);
  };
  return now;
}

function bytes(text) {
  return Uint8Array.from(atob(text), function (letter) {
    return letter.charCodeAt(0);
  });
}

// A frame with the view's name, its pictures, and the sentence about them, which is also the pictures' label.
function makePanel(view) {
  var panel = element("figure", "ib-view");
  var pictures = element("div", "ib-pictures");
  var text = element("p", "ib-text");
  panel.append(element("figcaption", "", view.title), pictures, text);
  pictures.setAttribute("role", "img");
  // The pictures' label says the same.
  text.setAttribute("aria-hidden", "true");
  panel.show = function (result) {
    result.pictures.forEach(function (picture, k) {
      var box = pictures.children[k] || pictures.appendChild(element("div", "ib-drawn-" + picture.kind));
      drawn[picture.kind](box, picture);
    });
    panel.classList.toggle("ib-narrow", pictures.matches(":has(> .ib-drawn-image:only-child, > .ib-drawn-map:only-child)"));
    pictures.setAttribute("aria-label", view.title + ". " + result.text);
    text.textContent = result.text;
  };
  // The old pictures must not stand for the new state.
  panel.fail = function (error) {
    pictures.textContent = text.textContent = String(error);
    pictures.setAttribute("aria-label", view.title + ". " + error);
    console.error(error);
  };
  return panel;
}

function bringToLife(root, data) {
  var network = readNetwork(data.network);
  var shape = data.network.input;
  var examples = bytes(data.examples);
  var size = shape[0] * shape[1] * shape[2];
  var controls = data.controls.map(makeControl);
  var panels = data.views.map(makePanel);
  var spoken = element("p", "ib-state");
  var brush = makeBrush(shape, touched);
  var waiting = null;
  var ended = false;
  var answer = "";

  function chosen(name) {
    return data.controls.findIndex(function (control) {
      return control.name === name;
    });
  }

  function takeExample() {
    var first = controls[chosen("example")].position() * size;
    brush.x = Float64Array.from(examples.subarray(first, first + size), function (value) {
      return value / 255;
    });
  }

  function settings() {
    var values = {};
    controls.forEach(function (control, k) {
      values[control.name] = data.controls[k].values && data.controls[k].values[control.position()];
    });
    return values;
  }

  function draw() {
    var began = performance.now();
    var target = controls[chosen("class")].position() - 1;
    var now = stateOf(network, data, brush.x, target < 0 ? null : target, brush.cursor, settings());
    var results = data.views.map(function (view, k) {
      try {
        var result = views[view.name](now);
        panels[k].show(result);
        return result;
      } catch (error) {
        panels[k].fail(error);
        return null;
      }
    });
    drawn.image(brush.surface, { values: brush.x, shape: shape });
    answer = "The network sees " + now.labels[now.logits.indexOf(Math.max.apply(null, now.logits))] + ".";
    // For whoever wants to know what stands in the page, and how long it took.
    root.dispatchEvent(new CustomEvent("ib-drawn", {
      detail: { results: results, now: now, milliseconds: performance.now() - began }
    }));
  }

  function touched(done) {
    ended = ended || done;
    // Many movements between two frames are one drawing.
    if (waiting === null) {
      waiting = requestAnimationFrame(function () {
        waiting = null;
        draw();
        if (ended) {
          ended = false;
          speak();
        }
      });
    }
  }

  // A screen reader hears the answer when it is another one, and not in the middle of a stroke.
  function speak() {
    if (spoken.textContent !== answer) {
      spoken.textContent = answer;
    }
  }

  root.append(layOut());
  brush.place((shape[1] - 1) / 2, (shape[2] - 1) / 2);
  takeExample();
  draw();
  speak();
  followAddress(root, controls, function () {
    takeExample();
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

    useTool({ target: pen });
    tools.append(pen, eraser, button("clear", function () {
      brush.x.fill(0);
      draw();
      speak();
    }));
    spoken.setAttribute("aria-live", "polite");
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
        speak();
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
