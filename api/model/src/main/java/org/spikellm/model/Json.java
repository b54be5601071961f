package org.spikellm.model;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultPrettyPrinter;

/**
 * JSON as plain Java values: {@code Map<String, Object>} in file order, {@code List<Object>}, String, Long, Double, Boolean, null. The one
 * place that knows the parser.
 */
public final class Json {

  private static final long MAX_FILE_BYTES = 256L << 20;
  private static final JsonFactory FACTORY = JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private Json() {}

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws CheckpointException if there is no such file, or it is not one JSON object
   */
  public static Map<String, Object> readObject(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new CheckpointException(file + ": expected a JSON file, found a directory");
    }
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new CheckpointException(file + ": expected a JSON file of at most " + MAX_FILE_BYTES + " bytes, found "
            + Files.size(file));
      }
      return parseObject(Files.readAllBytes(file), file.toString());
    } catch (NoSuchFileException e) {
      throw new CheckpointException(file + ": not found", e);
    }
  }

  /** Parses UTF-8 text that is one JSON object; {@code where} names it in errors. */
  public static Map<String, Object> parseObject(byte[] utf8, String where) throws CheckpointException {
    return parseObject(utf8, where, Set.of());
  }

  /** As {@link #parseObject(byte[], String)}, without lists that are fields of these names, in whatever object they are. */
  public static Map<String, Object> parseObject(byte[] utf8, String where, Set<String> withoutLists) throws CheckpointException {
    if (parse(utf8, where, withoutLists) instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked")
      Map<String, Object> object = (Map<String, Object>) map;
      return object;
    }
    throw new CheckpointException(where + ": expected a JSON object, found another JSON value");
  }

  /** Parses UTF-8 text that is one JSON value; {@code where} names it in errors. */
  public static Object parse(byte[] utf8, String where) throws CheckpointException {
    return parse(utf8, where, Set.of());
  }

  private static Object parse(byte[] utf8, String where, Set<String> withoutLists) throws CheckpointException {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), utf8)) {
      if (parser.nextToken() == null) {
        throw new CheckpointException(where + ": expected JSON, found nothing");
      }
      Object value = value(parser, withoutLists);
      if (parser.nextToken() != null) {
        throw new CheckpointException(where + ": expected one JSON value, found more after it");
      }
      return value;
    } catch (JacksonException e) {
      var at = e.getLocation();
      String pointer = LfsPointer.hint(utf8);
      throw new CheckpointException(!pointer.isEmpty() ? where + ": expected JSON, found " + pointer
          : where + ": not JSON: " + e.getOriginalMessage().lines().findFirst().orElse("")
          + (at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")") + "; correct it, or fetch it again", e);
    }
  }

  private static Object value(JsonParser parser, Set<String> withoutLists) {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> map = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          if (parser.nextToken() == JsonToken.START_ARRAY && withoutLists.contains(name)) {
            parser.skipChildren();
          } else {
            map.put(name, value(parser, withoutLists));
          }
        }
        yield map;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser, withoutLists));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getString();
      case VALUE_NUMBER_INT -> parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          ? (Object) parser.getBigIntegerValue().doubleValue() : (Object) parser.getLongValue();
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  /** Writes a value of the kinds above (any Number, Iterable or array of double too) as compact JSON; NaN and infinities become null. */
  public static String write(Object value) {
    return write(value, false);
  }

  /** As {@link #write(Object)}, one field a line. */
  public static String writePretty(Object value) {
    return write(value, true) + "\n";
  }

  private static String write(Object value, boolean pretty) {
    StringWriter text = new StringWriter();
    ObjectWriteContext context = pretty ? new PrettyContext() : ObjectWriteContext.empty();
    try (JsonGenerator generator = FACTORY.createGenerator(context, text)) {
      write(value, generator);
    }
    return text.toString();
  }

  private static void write(Object value, JsonGenerator generator) {
    switch (value) {
      case null -> generator.writeNull();
      case Map<?, ?> map -> {
        generator.writeStartObject();
        map.forEach((name, element) -> {
          generator.writeName(name.toString());
          write(element, generator);
        });
        generator.writeEndObject();
      }
      case Iterable<?> list -> {
        generator.writeStartArray();
        list.forEach(element -> write(element, generator));
        generator.writeEndArray();
      }
      case double[] list -> {
        generator.writeStartArray();
        for (double element : list) {
          write(element, generator);
        }
        generator.writeEndArray();
      }
      case int[] list -> generator.writeArray(list, 0, list.length);
      case Boolean bool -> generator.writeBoolean(bool);
      case Integer number -> generator.writeNumber(number);
      case Long number -> generator.writeNumber(number);
      case Number number when !Double.isFinite(number.doubleValue()) -> generator.writeNull();
      case Number number -> generator.writeNumber(number.doubleValue());
      default -> generator.writeString(value.toString());
    }
  }

  private static final class PrettyContext extends ObjectWriteContext.Base {
    @Override
    public boolean hasPrettyPrinter() {
      return true;
    }

    @Override
    public PrettyPrinter getPrettyPrinter() {
      return new DefaultPrettyPrinter();
    }
  }
}
