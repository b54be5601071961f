package org.spikellm.launcher.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Standard output that tells where it cannot be written; Java's own keeps that to itself. */
final class StandardOutput extends FilterOutputStream {

  /** As of a program that a signal ended, which most are when nobody reads on. */
  static final int NOBODY_READS = 141;

  private StandardOutput(OutputStream out) {
    super(out);
  }

  static PrintStream open() {
    return new PrintStream(new StandardOutput(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 8192)), true,
        StandardCharsets.UTF_8);
  }

  /** What was thrown because of it. */
  static final class Failure extends UncheckedIOException {

    private Failure(IOException cause) {
      super("standard output cannot be written: " + cause.getMessage(), cause);
    }

    /** Whether it is a pipe whose other end was closed. */
    boolean isUnread() {
      return String.valueOf(getCause().getMessage()).contains("Broken pipe");
    }
  }

  @Override
  public void write(int b) {
    try {
      out.write(b);
    } catch (IOException e) {
      throw new Failure(e);
    }
  }

  @Override
  public void write(byte[] bytes, int from, int length) {
    try {
      out.write(bytes, from, length);
    } catch (IOException e) {
      throw new Failure(e);
    }
  }

  @Override
  public void flush() {
    try {
      out.flush();
    } catch (IOException e) {
      throw new Failure(e);
    }
  }
}
