// A gate whose only state, the number of steps so far, lies outside of tensors: token t goes to the
// experts t + steps + shift and t + steps + shift + 1, modulo their number. Setting `padding` adds
// bytes to the saved state; `shift` may change while training. Version 1 of its state was a 32-bit
// number.
#include <switchyard/sdk.hpp>

namespace {

constexpr sy::Schema kSchema{sy::int_field("padding", "More bytes to save", 0),
                             sy::int_field("shift", "First expert", 0).flags(SY_FF_LIVE)};

class CountingGate final : public sy::Gate {
 public:
  static constexpr const char* kId = "test.gate.counting";
  static constexpr const char* kLabel = "Counting";
  static constexpr const char* kVersion = "1.0.0";
  static constexpr const char* kSummary = "experts by turns";
  static constexpr uint32_t kStateVersion = 2;
  static constexpr uint32_t kCaps = SY_CAP_DETERMINISTIC;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  CountingGate(const sy_layer_info& layer, const sy::Config& config)
      : num_experts_(layer.n_experts),
        padding_(static_cast<size_t>(config.integer("padding"))),
        shift_(config.integer("shift")) {}

  static void check(const sy_layer_info& layer, const sy::Config& config) {
    sy::require(config.integer("shift") < layer.n_experts, "shift must be below ", layer.n_experts,
                ", got ", config.integer("shift"));
  }
  void reconfigure(const sy::Config& config) {
    sy::require(config.integer("shift") >= 0, "shift must be 0 or more");
    shift_ = config.integer("shift");
  }

  [[nodiscard]] int32_t k_max() const override { return 2; }

  void forward(sy::Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    auto* ids = static_cast<int32_t*>(out.ids.data);
    for (int64_t i = 0; i < 2 * in.x.shape[0]; ++i) {
      ids[i] = static_cast<int32_t>((i / 2 + i % 2 + steps_ + shift_) % num_experts_);
    }
    call.fill(0.5, out.weights);
    call.bincount(out.ids, out.load);
  }
  void backward(sy::Call& /*call*/, const sy_gate_in& /*in*/, const sy_gate_out& /*out*/,
                const sy_gate_grad& /*grad*/) override {}
  void step_end(sy::Call& /*call*/) override { ++steps_; }

  void save(const sy::StateWriter& out) const {
    out.write(steps_);
    const std::string more(padding_, 'x');
    out.write(more.data(), more.size());
  }
  void load(const sy::StateReader& in, uint32_t saved_state_version) {
    steps_ = saved_state_version == 1 ? in.read<int32_t>() : in.read<int64_t>();
  }

 private:
  int64_t num_experts_;
  size_t padding_;
  int64_t shift_;
  int64_t steps_ = 0;
};

}  // namespace

SY_PLUGIN("test.gate.counting", "1.0.0", "Test House", "Apache-2.0", "", CountingGate);
