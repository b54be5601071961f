package org.spikellm.launcher.registry;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Availability;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * A plug-in's backend: its probe has limited time, each session multiplies something small when it is opened, and what a kernel
 * throws names it.
 */
final class GuardedBackend implements ComputeBackend {

  private static final float[] LEFT = {1, 2, 3};
  private static final float[] RIGHT = {4, 0, 5};
  /** 1·4 + 2·0 + 3·5. */
  private static final float PRODUCT = 19;

  private final ComputeBackend backend;
  private final Guard guard;

  GuardedBackend(ComputeBackend backend, Guard guard) {
    this.backend = backend;
    this.guard = guard;
  }

  @Override
  public String id() {
    return guard.id();
  }

  @Override
  public Map<String, String> options() {
    return guard.call("options", backend::options);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    return new GuardedBackend((ComputeBackend) guard.ask("configure", () -> backend.configure(options)), guard);
  }

  @Override
  public Availability probe() {
    return Probe.of(backend);
  }

  @Override
  public Session open(int threads) {
    Session session = watched(Session.class, guard.call("open", () -> backend.open(threads)));
    try {
      multiply(session);
      return session;
    } catch (RuntimeException | Error e) {
      session.close();
      throw e;
    }
  }

  private void multiply(Session session) {
    Tensor right = row(RIGHT);
    Tensor out = row(new float[] {Float.NaN});
    session.matmul(row(LEFT), right, out);
    expect("matmul", out);
    Tensor codes = Tensor.allocate(DType.U8, 1, RIGHT.length);
    for (int j = 0; j < RIGHT.length; j++) {
      codes.setInt(0, j, (int) RIGHT[j]);
    }
    CodeClass codeClass = new CodeClass(RIGHT.length, Byte.SIZE, 0, new int[] {RIGHT.length}, codes, row(new float[] {1}),
        Tensor.allocate(DType.I16, 1, 1));
    out.setFloat(0, 0, 0);
    session.prepare(new QuantizedWeight(1, ChannelOrder.identity(RIGHT.length), List.of(codeClass))).accumulate(row(LEFT), out);
    expect("accumulate", out);
  }

  private void expect(String kernel, Tensor out) {
    guard.require(out.getFloat(0, 0) == PRODUCT, kernel + " of a product that is " + PRODUCT + " made " + out.getFloat(0, 0));
  }

  private static Tensor row(float[] values) {
    Tensor tensor = Tensor.allocate(DType.F32, 1, values.length);
    for (int j = 0; j < values.length; j++) {
      tensor.setFloat(0, j, values[j]);
    }
    return tensor;
  }

  private <T> T watched(Class<T> type, T target) {
    return type.cast(Proxy.newProxyInstance(GuardedBackend.class.getClassLoader(), new Class<?>[] {type},
        (proxy, method, arguments) -> watch(target, method, arguments)));
  }

  private Object watch(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      Object result = method.invoke(target, arguments);
      return result instanceof SpikingLinear linear ? watched(SpikingLinear.class, linear) : result;
    } catch (InvocationTargetException e) {
      Throwable thrown = e.getCause();
      // Misfits are refused so, another plug-in says itself what it did, and a body of forEach may throw for reasons of its own.
      if (thrown instanceof IllegalArgumentException || thrown instanceof OutOfMemoryError || thrown instanceof ProviderFailure
          || method.getName().equals("forEach")) {
        throw thrown;
      }
      throw guard.failure(method.getName() + " threw " + Listing.reason(thrown), thrown);
    }
  }
}
