package org.spikellm.model;

import java.util.Map;

/** Typed access to a JSON object, with errors that name file and field. */
record Fields(Map<String, Object> json, String where) {

  boolean has(String name) {
    return json.get(name) != null;
  }

  Object get(String name) {
    return json.get(name);
  }

  /** A whole number from 1 to {@code max}. */
  int size(String name, int max) throws CheckpointException {
    if (json.get(name) instanceof Long value && value >= 1 && value <= max) {
      return value.intValue();
    }
    throw wrong(name, "a whole number from 1 to " + max, json.get(name));
  }

  double number(String name, double otherwise) throws CheckpointException {
    Object value = json.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw wrong(name, "a number", value);
  }

  boolean flag(String name, boolean otherwise) throws CheckpointException {
    Object value = json.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw wrong(name, "true or false", value);
  }

  String text(String name, String otherwise) throws CheckpointException {
    Object value = json.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof String text) {
      return text;
    }
    throw wrong(name, "a string", value);
  }

  /** The object under {@code name}, or null. */
  Fields object(String name) throws CheckpointException {
    Object value = json.get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked")
      Map<String, Object> object = (Map<String, Object>) map;
      return new Fields(object, where + ": " + name);
    }
    throw wrong(name, "an object", value);
  }

  CheckpointException wrong(String name, String expected, Object found) {
    String text = found == null ? "nothing" : found instanceof String string ? "the text '" + string + "'" : String.valueOf(found);
    return new CheckpointException(where + ": " + name + ": expected " + expected + ", found "
        + (text.length() > 80 ? text.substring(0, 80) + "…" : text));
  }
}
