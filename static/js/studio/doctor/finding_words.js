// What findings are called, and what is done at once to those that belong together.

const TITLES = {
  split_impossible: "It cannot be divided",
  two_labels: "Copies under different labels",
  class_too_small: "Labels with few pictures",
  class_missing_in_part: "Labels that a part does not have",
  unreadable: "Pictures that cannot be read",
  class_unused: "Classes of which there is nothing",
  mask_broken: "Masks that cannot be read",
  mask_size: "Masks of another size than their pictures",
  annotation_problems: "Lines that say nothing usable",
  boxes_outside: "Boxes that reach out of their pictures",
  boxes_empty: "Boxes without a size",
  leak: "The same in more than one part",
  two_labels_alike: "Look-alikes under different labels",
  exact_copies: "Copies",
  near_copies: "Look-alikes",
  imbalance: "Labels of very different size",
  boxes_doubled: "Boxes on each other",
  boxes_tiny: "Tiny boxes",
  boxes_whole_picture: "Boxes that cover nearly all",
  pictures_without_boxes: "Pictures without boxes",
  mask_one_class: "Masks of one class",
  not_annotated: "Pictures that nobody has looked at",
  flat: "Pictures of one colour",
  small_pictures: "Small pictures",
  sizes_out_of_line: "Unusual sizes",
  shapes_out_of_line: "Unusual shapes",
  mixed_modes: "Different kinds of pictures",
  skipped_files: "Files that are no pictures",
};

/** The same where boxes or masks say what is on the pictures. */
const TITLES_OF_CLASSES = {
  two_labels: "Copies of which different things are said",
  class_too_small: "Classes with few pictures",
  class_missing_in_part: "Classes that a part does not have",
  imbalance: "Classes of very different size",
};

/** What a finding is called in a data set of a task. */
export function titleOf(code, task) {
  return (task !== "classification" && TITLES_OF_CLASSES[code]) || (TITLES[code] ?? code);
}

const KEEP = { words: () => "Keep only this", action: "delete", of: "others" };

/** code -> a button on each picture of a group: its words, what it does, to all of the group or to the others; `task`: the only one that has it. */
export const GROUP_FIXES = {
  two_labels: KEEP,
  exact_copies: KEEP,
  near_copies: KEEP,
  two_labels_alike: { words: () => "Label all like this", action: "relabel", of: "all", value: (item) => item.label, task: "classification" },
  leak: { words: (item) => `All into ${item.split || "no part"}`, action: "split", of: "all", value: (item) => item.split },
};

// Of each group the first stays: who looks at nothing else can delete the rest at once.
export const CHECKED_AT_FIRST = { exact_copies: (group) => group.slice(1) };

/** The id of an item by its name in a report, null where it is none. */
export function idOf(name) {
  const found = /^pictures\/([1-9][0-9]*)\./.exec(name);
  return found ? Number(found[1]) : null;
}
