package org.spikellm.launcher.registry;

/**
 * What a thread has as its context class loader while it runs a plug-in: it finds the plug-in's classes, for libraries that look
 * for services there. Threads that the plug-in starts inherit it, and so tell whose they are.
 */
public final class PluginContext extends ClassLoader {

  private final Origin origin;

  /**
   * The context of one plug-in.
   *
   * @param loader of its classes
   */
  public PluginContext(Origin origin, ClassLoader loader) {
    super(loader);
    this.origin = origin;
  }

  /** Whose context it is. */
  Origin origin() {
    return origin;
  }

  /** Calls {@code body} on this thread, in this context. */
  public <T, X extends Throwable> T call(ScopedValue.CallableOp<T, X> body) throws X {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(this);
    try {
      return body.call();
    } finally {
      thread.setContextClassLoader(before);
    }
  }
}
