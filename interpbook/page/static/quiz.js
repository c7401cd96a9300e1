// Lets a quiz mark itself. In the page stand the questions, each followed by its answers in <details>: here a question
// gets a button that checks it, a place where the explanation of the chosen option is shown and spoken, and its answers
// stay closed until it is solved. Below comes the score of the first tries.

function made(tag, className, text) {
  var node = document.createElement(tag);
  node.className = className;
  node.textContent = text || "";
  return node;
}

// What changes in it is read aloud.
function spoken(className) {
  var node = made("div", className);
  node.setAttribute("role", "status");
  return node;
}

function makeButton(text, act) {
  var node = made("button", "", text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// Formulas stand there as lines of symbols. The book and JupyterLab typeset what they find as TeX.
function writeFormulas(root) {
  if (window.MathJax || document.getElementById("jupyter-config-data")) {
    root.querySelectorAll("[data-tex]").forEach(function (formula) {
      formula.textContent = "\\(" + formula.dataset.tex + "\\)";
    });
  }
}

// The section of a link has another address in JupyterLab, and is out of reach from a frame, as in Colab.
function leadToSection(link) {
  function isThere() {
    return document.getElementById(link.hash.slice(1));
  }
  if (window.parent !== window && !isThere()) {
    link.replaceWith(link.textContent);
    return;
  }
  link.addEventListener("click", function (event) {
    var heading = Array.from(document.querySelectorAll("h2")).find(function (other) {
      return other.textContent.indexOf(link.textContent) === 0;
    });
    if (!isThere()) {
      event.preventDefault();
    }
    if (!isThere() && heading) {
      heading.scrollIntoView();
    }
  });
}

function makeQuestion(box, answers, tell) {
  var options = Array.from(box.querySelectorAll(".ib-option"));
  var choices = Array.from(box.querySelectorAll("input"));
  var right = Number(box.dataset.right);
  var said = spoken("ib-said");
  var question = {firstTry: null, clear: clear, focus: focus};

  function forget() {
    options.forEach(function (option) {
      option.classList.remove("ib-right", "ib-wrong");
    });
    said.replaceChildren();
  }

  function explain(chosen) {
    var isRight = chosen === right;
    var why = answers.querySelectorAll("li")[chosen].cloneNode(true).childNodes;
    options[chosen].classList.add(isRight ? "ib-right" : "ib-wrong");
    said.append.apply(said, Array.from(why));
    said.append(isRight ? " " : " Choose again. ", answers.querySelector("p").cloneNode(true));
    said.querySelectorAll(".ib-section").forEach(leadToSection);
    if (question.firstTry === null) {
      question.firstTry = isRight;
    }
    if (isRight) {
      answers.hidden = false;
    }
    tell();
  }

  function check() {
    var chosen = choices.findIndex(function (choice) {
      return choice.checked;
    });
    forget();
    if (chosen < 0) {
      said.textContent = "Choose an answer first.";
    } else {
      explain(chosen);
    }
  }

  function clear() {
    forget();
    question.firstTry = null;
    answers.hidden = true;
    answers.open = false;
    choices.forEach(function (choice) {
      choice.checked = false;
    });
  }

  function focus() {
    choices[0].focus();
  }

  box.addEventListener("change", forget);
  box.addEventListener("keydown", function (event) {
    if (event.key === "Enter" && choices.indexOf(event.target) >= 0) {
      event.preventDefault();
      check();
    }
  });
  box.append(makeButton("Check", check), said);
  clear();
  return question;
}

function enliven(root, copy) {
  var boxes = Array.from(root.querySelectorAll(".ib-question"));
  var end = made("div", "ib-end");
  var score = spoken("ib-score");
  var again = makeButton("Begin again", restart);
  var questions = boxes.map(function (box) {
    box.querySelectorAll("input").forEach(function (choice) {
      choice.name += "-" + copy;
    });
    return makeQuestion(box, box.nextElementSibling, tell);
  });

  function tell() {
    var tried = questions.filter(function (question) {
      return question.firstTry !== null;
    });
    var right = tried.filter(function (question) {
      return question.firstTry;
    });
    var all = tried.length === questions.length;
    again.hidden = tried.length === 0;
    score.textContent = all ? right.length + " of " + questions.length + " right at the first try." : "";
  }

  function restart() {
    questions.forEach(function (question) {
      question.clear();
    });
    tell();
    questions[0].focus();
  }

  writeFormulas(root);
  root.querySelectorAll(".ib-section").forEach(leadToSection);
  end.append(score, again);
  root.append(end);
  tell();
}

// The same output may stand in a page more than once.
document.querySelectorAll("#" + name + ":not([data-alive])").forEach(function (root) {
  root.setAttribute("data-alive", "");
  enliven(root, document.querySelectorAll("#" + name + "[data-alive]").length);
});
