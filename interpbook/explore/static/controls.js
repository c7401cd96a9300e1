// The controls of an explorable figure. A control is described by its name, title, kind ("range", "select" or
// "switches"), labels and start; what it holds is the position of the chosen label, of switches an array of positions. A
// list that the reader has left, as by drawing on, shows that what is seen is the reader's own; it still holds the label
// chosen last.

function element(tag, className, text) {
  var made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

function button(title, pressed) {
  var made = element("button", "", title);
  made.type = "button";
  made.addEventListener("click", pressed);
  return made;
}

// `box` goes into the page.
function makeControl(description) {
  return description.kind === "switches" ? makeSwitches(description) : makeChoice(description);
}

// A row of buttons, each of them on or off.
function makeSwitches(description) {
  var box = element("span", "ib-switches");
  var switches = description.labels.map(function (label) {
    var own = button(label, function () {
      turn(own, own.getAttribute("aria-pressed") === "false");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    });
    return own;
  });

  function turn(own, on) {
    own.setAttribute("aria-pressed", String(on));
  }

  function set(positions) {
    switches.forEach(function (own, place) {
      turn(own, positions.indexOf(place) >= 0);
    });
  }

  function position() {
    return Array.from(switches.keys()).filter(function (place) {
      return switches[place].getAttribute("aria-pressed") === "true";
    });
  }

  // Their labels, one space apart, are what the address says.
  function text() {
    return position().map(function (place) {
      return description.labels[place];
    }).join(" ");
  }

  function follow(said) {
    var positions = said.split(" ").filter(Boolean).map(function (label) {
      return description.labels.indexOf(label);
    });
    if (positions.indexOf(-1) < 0) {
      set(positions);
    }
  }

  box.setAttribute("role", "group");
  box.setAttribute("aria-label", description.title);
  box.append(element("span", "", description.title));
  box.append.apply(box, switches);
  set(description.start);
  return {
    name: description.name, labels: description.labels, box: box, input: box, position: position, set: set, text: text,
    follow: follow, left: function () {
      return false;
    }
  };
}

// A range or a drop-down list inside its label.
function makeChoice(description) {
  var slider = description.kind === "range";
  var input = element(slider ? "input" : "select");
  var output = element("output");
  var box = element("label");
  var own = new Option("(yours)", "");
  var reason = element("small", "", "(changes nothing here)");
  var held = description.start;
  if (slider) {
    input.type = "range";
    input.min = 0;
    input.max = description.labels.length - 1;
    input.step = 1;
  } else {
    description.labels.forEach(function (label, position) {
      input.add(new Option(label, position));
    });
  }
  box.append(description.title, input);
  if (slider) {
    box.append(output);
  }

  function set(position) {
    input.value = position;
    shown();
  }

  function shown() {
    held = Number(input.value);
    own.remove();
    if (slider) {
      input.setAttribute("aria-valuetext", description.labels[position()]);
      output.textContent = description.labels[position()];
    }
  }

  function position() {
    return held;
  }

  // Whether the control changes nothing at present; it says so, and cannot be moved.
  function idle(is) {
    input.disabled = is;
    if (is) {
      box.append(reason);
    } else {
      reason.remove();
    }
  }

  // What the address says of it.
  function text() {
    return description.labels[position()];
  }

  function follow(said) {
    var there = description.labels.indexOf(said);
    if (there >= 0) {
      set(there);
    }
  }

  function leave() {
    input.add(own);
    input.value = "";
  }

  function left() {
    return own.parentNode !== null;
  }

  input.addEventListener("input", shown);
  set(description.start);
  own.hidden = own.disabled = true;
  return {
    name: description.name, labels: description.labels, box: box, input: input, position: position, set: set,
    text: text, follow: follow, leave: leave, left: left, idle: idle
  };
}

// What the controls hold, by name; of switches, the values that are on.
function settingsOf(controls, descriptions) {
  var held = {};
  controls.forEach(function (control, k) {
    var values = descriptions[k].values;
    var position = control.position();
    held[control.name] = Array.isArray(position) ? position.map(function (place) {
      return values[place];
    }) : values[position];
  });
  return held;
}

// A function that asks for a drawing, `touched(done)`: many movements between two frames are one drawing. `rest` is
// called after the drawing with which a movement ends.
function onceAFrame(draw, rest) {
  var waiting = null;
  var ended = false;
  return function (done) {
    ended = ended || done;
    if (waiting === null) {
      waiting = requestAnimationFrame(function () {
        waiting = null;
        draw();
        if (ended) {
          ended = false;
          rest();
        }
      });
    }
  };
}

// A button that moves a slider from value to value, from the start again when it stands at the end.
function makePlay(control, title, moved) {
  var timer = null;
  var sign = element("span");
  var name = element("span", "ib-hidden");
  var play = button("", function () {
    if (timer !== null) {
      stop();
      return;
    }
    if (control.position() === control.labels.length - 1) {
      control.set(0);
      moved();
    }
    timer = setInterval(step, 500);
    say("❚❚", "pause " + title);
  });

  function step() {
    if (control.position() === control.labels.length - 1 || !play.isConnected) {
      stop();
      return;
    }
    control.set(control.position() + 1);
    moved();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    say("▶", "play " + title);
  }

  function say(drawn, spoken) {
    sign.textContent = drawn;
    name.textContent = spoken;
  }

  sign.setAttribute("aria-hidden", "true");
  play.append(sign, name);
  play.className = "ib-play";
  stop();
  // A reader's own hand on the slider ends the play.
  control.input.addEventListener("input", stop);
  return play;
}

// The same output may stand in a page more than once; each copy comes to life once.
function bringAllToLife(name, bringToLife) {
  document.querySelectorAll("#" + name + ":not([data-alive])").forEach(function (root) {
    root.setAttribute("data-alive", "");
    bringToLife(root, JSON.parse(root.querySelector('script[type="application/json"]').textContent));
  });
}
