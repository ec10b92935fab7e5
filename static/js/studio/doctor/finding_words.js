// What findings are called, and what is done at once to those that belong together.

export const TITLES = {
  split_impossible: "It cannot be divided",
  two_labels: "Copies under different labels",
  class_too_small: "Labels with few pictures",
  class_missing_in_part: "Labels that a part does not have",
  unreadable: "Pictures that cannot be read",
  leak: "The same in more than one part",
  two_labels_alike: "Look-alikes under different labels",
  exact_copies: "Copies",
  near_copies: "Look-alikes",
  imbalance: "Labels of very different size",
  flat: "Pictures of one colour",
  small_pictures: "Small pictures",
  sizes_out_of_line: "Unusual sizes",
  shapes_out_of_line: "Unusual shapes",
  mixed_modes: "Different kinds of pictures",
  skipped_files: "Files that are no pictures",
};

const KEEP = { words: () => "Keep only this", action: "delete", of: "others" };

/** code -> a button on each picture of a group: its words, what it does, to all of the group or to the others. */
export const GROUP_FIXES = {
  two_labels: KEEP,
  exact_copies: KEEP,
  near_copies: KEEP,
  two_labels_alike: { words: () => "Label all like this", action: "relabel", of: "all", value: (item) => item.label },
  leak: { words: (item) => `All into ${item.split || "no part"}`, action: "split", of: "all", value: (item) => item.split },
};

// Of each group the first stays: who looks at nothing else can delete the rest at once.
export const CHECKED_AT_FIRST = { exact_copies: (group) => group.slice(1) };

/** The id of an item by its name in a report, null where it is none. */
export function idOf(name) {
  const found = /^pictures\/([1-9][0-9]*)\./.exec(name);
  return found ? Number(found[1]) : null;
}
