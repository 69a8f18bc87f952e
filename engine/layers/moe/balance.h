#pragma once

#include <vector>

#include "layers/moe/gate.h"
#include "layers/moe/moe_config.h"

namespace switchyard::layers {

/// The balance losses of a layer over all of its E experts as one vector:
///
///   L = w_importance CV^2(cost * Importance) + w_load CV^2(cost * Load)          (eq. 7 and 11)
///
/// CV^2 = Var / Mean^2 with the population variance. With BalanceBy::kTokens the cost of every
/// expert is 1; with kCompute it is the expert's multiply-adds relative to the mean, so that
/// experts of different sizes get equal work instead of equal numbers of tokens.
///
/// Source: Shazeer et al. 2017, section 4 and appendix A.
class Balance {
 public:
  /// Consecutive experts of the same cost.
  struct Costs {
    int64_t count = 0;
    double madds_per_row = 0.0;
  };

  /// `costs` covers all experts of the layer. Throws Error(kInvalidArgument) if config.by is kGate,
  /// a weight is negative, or by is kCompute and an expert does not report its cost.
  Balance(const BalanceConfig& config, const std::vector<Costs>& costs);

  /// routing.aux_loss += L. Threads: [inst].
  void add_loss(const Routing& routing, Pass& pass) const;

  /// Gradients of the balance losses.
  struct Gradient {
    tensor::Tensor importance;  // [E]
    tensor::Tensor load;        // [E]
  };
  /// grad_aux_loss [1] times dL/dImportance and dL/dLoad; they live as long as the pass.
  [[nodiscard]] Gradient gradient(const Routing& routing, const tensor::Tensor& grad_aux_loss,
                                  Pass& pass) const;

 private:
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
    double cost = 1.0;  // relative to the mean
  };

  void multiply_by_cost(const tensor::Tensor& x, const tensor::Tensor& y, Pass& pass) const;
  void add_term(double weight, const tensor::Tensor& x, const tensor::Tensor& loss,
                Pass& pass) const;
  [[nodiscard]] tensor::Tensor grad_of_term(double weight, const tensor::Tensor& x,
                                            const tensor::Tensor& grad_loss, Pass& pass) const;

  BalanceConfig config_;
  std::vector<Range> ranges_;
};

}  // namespace switchyard::layers
