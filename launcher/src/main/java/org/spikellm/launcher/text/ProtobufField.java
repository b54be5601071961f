package org.spikellm.launcher.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One field of a protobuf message (https://protobuf.dev/programming-guides/encoding): a varint or fixed-width number in
 * {@code varint}, or a string, submessage or packed list in {@code bytes}. Malformed input is an IllegalArgumentException.
 */
record ProtobufField(int number, int wireType, long varint, byte[] bytes) {

  private static final byte[] NONE = {};

  static List<ProtobufField> all(byte[] message) {
    ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    List<ProtobufField> fields = new ArrayList<>();
    while (in.hasRemaining()) {
      int at = in.position();
      long tag = varint(in);
      int number = (int) (tag >>> 3);
      int wireType = (int) (tag & 7);
      require(tag >>> 3 > 0 && tag >>> 3 < 1 << 29, "no field number", at);
      switch (wireType) {
        case 0 -> fields.add(new ProtobufField(number, wireType, varint(in), NONE));
        case 1 -> fields.add(new ProtobufField(number, wireType, has(in, 8).getLong(), NONE));
        case 2 -> {
          long length = varint(in);
          byte[] bytes = new byte[has(in, length).remaining() < length ? 0 : (int) length];
          in.get(bytes);
          fields.add(new ProtobufField(number, wireType, 0, bytes));
        }
        case 5 -> fields.add(new ProtobufField(number, wireType, has(in, 4).getInt(), NONE));
        default -> throw new IllegalArgumentException("wire type " + wireType + " at byte " + at);
      }
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = has(in, 1).get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("number of more than 64 bits before byte " + in.position());
  }

  private static ByteBuffer has(ByteBuffer in, long count) {
    require(count >= 0 && count <= in.remaining(), "field of " + count + " bytes runs past the end", in.position());
    return in;
  }

  private static void require(boolean holds, String otherwise, int at) {
    if (!holds) {
      throw new IllegalArgumentException(otherwise + " at byte " + at);
    }
  }

  String text() {
    require(wireType == 2, "no string in field " + number, 0);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("field " + number + " is not UTF-8", e);
    }
  }

  float real() {
    require(wireType == 5, "no 32-bit number in field " + number, 0);
    return Float.intBitsToFloat((int) varint);
  }

  /** The last one counts, as protobuf has it. */
  static long number(List<ProtobufField> fields, int number, long otherwise) {
    long value = otherwise;
    for (ProtobufField field : fields) {
      value = field.number == number && field.wireType == 0 ? field.varint : value;
    }
    return value;
  }

  static boolean flag(List<ProtobufField> fields, int number, boolean otherwise) {
    return number(fields, number, otherwise ? 1 : 0) != 0;
  }

  static int length(List<ProtobufField> fields, int number) {
    return fields.stream().filter(field -> field.number == number).mapToInt(field -> field.bytes.length).sum();
  }
}
