// The page of boxes: one picture of a data set at a time, what is drawn on it, and the way to the next.

import { can } from "../api.js";
import { run, say } from "../dom.js";
import { filterOfAddress } from "../datasets/item_filter.js";
import { Board, wordsOf, placeWords } from "./board.js";
import { BoxList } from "./box_list.js";
import { BoxesApi } from "./boxes_api.js";
import { ClassNames } from "./class_names.js";
import { Editor } from "./editor.js";
import { middleBox, moved, resized, stepOf } from "./geometry.js";
import { Gestures } from "./gestures.js";
import { showHelp } from "./help.js";
import { commandOf } from "./keyboard.js";
import { countWords, showCounts, showState, tell } from "./page_words.js";
import { Saving } from "./saving.js";
import { Suggestions } from "./suggestions.js";

// Whoever is quicker than the pictures come: these wait for them.
const WAYS = ["previous", "next", "jump"];

const byId = (id) => document.getElementById(id);
const place = byId("boxes-page");
const mayChange = can("train");
const api = new BoxesApi(place.dataset.dataset, filterOfAddress(["annotated", "class_name", "split"]));
const classes = new ClassNames(api);
const board = new Board(byId("board"), { onSelect: (id) => editor?.select(id), onSuggestion: (key) => { focusedSuggestion = key; } });
const gestures = new Gestures(board, { editor: () => editor, suggestions: () => suggestions?.shown ?? [], mayChange, onDrawn: keepDraft, onAccept: (key) => suggestions.take(key), onPress: keepNew });
const list = new BoxList(byId("classes"), byId("box-list"), { mayChange, onClass: useClass, onSelect: focusBox, onChooseClass: (id) => run(null, () => askClass(id)), onRemove: remove, onCrowd: (id, isCrowd) => editor.setCrowd(id, isCrowd) });
const saving = new Saving({ send: (id, boxes) => api.save(id, boxes), onState: showState });
const suggestions = mayChange ? new Suggestions(byId("suggestions"), { editor: () => editor, suggest: (name, least) => api.suggest(item.id, name, least), onTake: take, onChange: draw, onShow: (key) => board.focusSuggestion(key), run }) : null;
let item = null;
let editor = null;
let focusedSuggestion = null;
let turning = Promise.resolve();
let taking = Promise.resolve();

const COMMANDS = {
  previous: () => go(() => api.beside(item.id, -1), "This is the first picture."),
  next: () => go(() => api.beside(item.id, 1), "This is the last picture."),
  jump: () => go(() => api.nextOpen(item.id), "All pictures have been looked at."),
  add: addBox,
  chooseClass: () => run(null, () => askClass(editor.selectedId)),
  save: () => save(),
  nothingHere: () => { editor.clear(); tell("Nothing here."); board.focus(); },
  suggest: () => suggestions.ask(),
  acceptAll: () => suggestions.takeAll(),
  zoomIn: () => board.zoomStep(1),
  zoomOut: () => board.zoomStep(-1),
  showWhole: () => board.showWhole(),
  help: () => showHelp(mayChange).addEventListener("close", () => board.focus(editor.selectedId)),
  keep: () => (editor.draft ? keepDraft() : focusedSuggestion !== null && suggestions.take(focusedSuggestion)),
  drop,
  remove: () => (editor.draft ? drop() : focusedSuggestion !== null ? leaveOut() : editor.selected && remove(editor.selectedId)),
  undo: () => step(() => editor.undo()),
  redo: () => step(() => editor.redo()),
  move: ({ across, down, isFine }) => change(moved, across, down, isFine),
  resize: ({ across, down, isFine }) => change(resized, across, down, isFine),
  setClass: ({ place: at }) => classes.names[at] !== undefined && useClass(classes.names[at]),
};

byId("board").addEventListener("keydown", onKey);
byId("board").addEventListener("keyup", (event) => { if (event.key === " ") gestures.isSpaceDown = false; });
byId("board").addEventListener("focusout", () => { gestures.isSpaceDown = false; focusedSuggestion = null; });
for (const button of document.querySelectorAll("[data-command]")) {
  const { command } = button.dataset;
  button.addEventListener("click", () => (editor || WAYS.includes(command)) && COMMANDS[command]({}));
}
window.addEventListener("popstate", () => go(() => api.item(itemOfAddress()), "", false));
turning = run(null, begin);

async function begin() {
  classes.set(JSON.parse(place.dataset.classes));
  const [details, detectors] = await Promise.all([api.dataset(), mayChange ? api.detectors() : []]);
  classes.set(details.class_names);
  suggestions?.offerPredictors(detectors);
  showCounts(details);
  await show(await api.item(itemOfAddress()));
}

async function show(next) {
  item = next;
  editor = null;
  suggestions?.forget();
  const size = { width: item.width, height: item.height };
  try {
    await board.setPicture(item.image, size);
  } catch {
    // Some formats are shown by no browser: the small picture is laid out as large.
    await board.setPicture(item.thumbnail, size);
    say("This browser cannot show this kind of file: what is shown is a small copy of it.");
  }
  editor = new Editor(size, item.boxes, draw);
  saving.show(item.id, editor);
  focusedSuggestion = null;
  draw();
  board.focus();
  byId("item-name").textContent = item.original_name || `picture ${item.id}`;
  tell(`${byId("item-name").textContent}, ${size.width} by ${size.height} pixels, ${countWords(editor)}`);
  suggestions?.offer();
}

function draw() {
  if (!editor) return;
  board.show({ boxes: editor.shown, selectedId: editor.selectedId, draft: editor.draft, suggestions: suggestions?.shown ?? [] });
  list.draw(editor, classes.names, editor.selected?.className ?? classes.current);
  byId("box-count").textContent = countWords(editor);
  suggestions?.draw();
  if (mayChange) {
    byId("undo").disabled = !editor.history.canUndo;
    byId("redo").disabled = !editor.history.canRedo;
  }
  saving.tell();
}

function onKey(event) {
  if (event.isComposing) return;
  if (event.key === " ") {
    gestures.isSpaceDown = true;
    event.preventDefault();
    return;
  }
  const hasBox = Boolean(editor?.draft ?? editor?.selected);
  const command = commandOf(event, { hasBox, mayChange });
  if (!command || (!editor && !WAYS.includes(command.name))) return;
  event.preventDefault();
  COMMANDS[command.name](command);
}

/** To the picture that `find` gives; what was drawn is kept first. One way at a time: whoever presses a key often goes far. */
function go(find, words, isRemembered = true) {
  turning = turning.then(() => run(null, async () => {
    if (!item || !(await save())) return;
    const next = await find();
    if (!next || next.id === item.id) {
      if (words) say(words);
      return;
    }
    if (isRemembered) window.history.pushState(null, "", `${next.id}${window.location.search}`);
    await show(next);
  }));
  return turning;
}

async function save() {
  await taking;
  keepNew();
  const hadChanges = editor?.history.isChanged;
  const isKept = await saving.save();
  if (!isKept) say("The boxes could not be saved; they are kept on this page. Press S to try again.", "bad");
  else if (hadChanges) api.dataset().then(showCounts, () => {});
  return isKept;
}

function addBox() {
  keepNew();
  editor.select(null);
  editor.setDraft(middleBox(board.inView, editor.size));
  board.focus();
  tell(`New box, ${placeWords(editor.draft.box)}. Arrow keys move it, with Shift they resize it, Enter keeps it.`);
}

function change(action, across, down, isFine) {
  const step = stepOf(board.inView, isFine);
  const { draft, selected } = editor;
  const box = action(draft?.box ?? selected, across * step, down * step, editor.size);
  if (draft) editor.setDraft(box, draft.id);
  else editor.change(selected.id, box, `${action.name} ${selected.id}`);
  board.reveal(box);
  tell(placeWords(box));
}

/** A new box that the keyboard was moving is kept when something else begins. */
function keepNew() {
  if (editor?.draft?.id === null && !gestures.action && classes.current) editor.keepDraft(classes.current);
}

/** The draft becomes a box of the current class; where there is no class yet, one is asked for. */
function keepDraft() {
  return run(null, async () => {
    const { draft } = editor;
    if (!classes.current) await classes.ask("What is in the box?");
    if (!classes.current || editor.draft !== draft) {
      editor.dropDraft();
      board.focus();
      return;
    }
    const id = editor.keepDraft(classes.current);
    board.focus(id);
    tell(`Kept: ${wordsOf(editor.selected)}`);
  });
}

function drop() {
  const wasNew = editor.draft !== null;
  if (gestures.cancel() || wasNew) tell("Left as it was.");
  else editor.select(null);
  board.focus();
}

function remove(id) {
  const words = wordsOf(editor.boxes.find((box) => box.id === id));
  editor.remove(id);
  board.focus(editor.selectedId);
  tell(`Deleted: ${words}`);
}

function step(action) {
  action();
  board.focus(editor.selectedId);
  tell(countWords(editor));
}

/** For the chosen box, and for those that come. */
function useClass(name) {
  classes.current = name;
  const { selectedId } = editor;
  if (selectedId === null || editor.draft) draw();
  else if (editor.selected.className !== name) editor.setClass(selectedId, name);
  board.focus(selectedId);
  tell(selectedId === null ? `New boxes are ${name}.` : wordsOf(editor.selected));
}

async function askClass(id) {
  if (id !== null) editor.select(id);
  if (await classes.ask(id === null ? "Class of new boxes" : "Class of the box")) useClass(classes.current);
  else board.focus(editor.selectedId);
}

function take(taken) {
  taking = run(null, async () => {
    const at = editor;
    await classes.add(taken.map((one) => one.class_name));
    if (at !== editor) return;
    editor.addGiven(taken);
    tell(taken.length === 1 ? `Taken: ${taken[0].class_name}` : `${taken.length} taken`);
    focusNextSuggestion();
  });
}

function leaveOut() {
  suggestions.drop(focusedSuggestion);
  tell("Left out.");
  focusNextSuggestion();
}

function focusNextSuggestion() {
  const [next] = suggestions.shown;
  if (next) board.focusSuggestion(next.key);
  else board.focus();
}

function focusBox(id) {
  board.reveal(editor.boxes.find((box) => box.id === id));
  board.focus(id);
}

function itemOfAddress() {
  return Number(window.location.pathname.split("/").at(-1));
}
