//! The tree of a program, to be read: which names an expression selects, which functions it calls.
//! Never a way to change it: a program evaluates what was checked.

use crate::syntax::ast::{Expr, ExprKind, Literal};
use crate::value::{Text, Value};

/// A node of a tree, and with it all nodes below.
///
/// ```
/// use kubernetes_cel::tree::{Kind, Node};
/// use kubernetes_cel::{Environment, Program, Type};
///
/// fn calls(node: Node<'_>, name: &str) -> bool {
///     matches!(node.kind(), Kind::Call { function, .. } if function == name)
///         || node.children().into_iter().any(|child| calls(child, name))
/// }
///
/// let environment = Environment::builder().variable("x", Type::String).build()?;
/// let program = Program::compile("x.size() > 3", &environment)?;
/// assert!(calls(program.tree(), "size"));
/// assert!(!calls(program.tree(), "contains"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Node<'p>(&'p Expr);

/// What a node is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kind<'p> {
    /// A constant.
    Literal(Value<'p>),
    /// The name of a variable, of a variable of a macro, or of a type; without a leading dot.
    Name(&'p str),
    /// `operand.field`; `has(operand.field)` where only presence is asked for.
    Select {
        /// What is selected from.
        operand: Node<'p>,
        /// The name as the expression writes it.
        field: &'p str,
        /// Whether it is `has(…)`.
        presence: bool,
    },
    /// A call of a function or operator. Operators have the names of cel-spec: `_==_`, `@in`,
    /// `_[_]`; `a.?b` is `_?._` with a literal, `a[?b]` is `_[?_]`.
    Call {
        /// The name of the function.
        function: &'p str,
        /// What stands before the dot.
        target: Option<Node<'p>>,
        /// What stands between the brackets.
        arguments: Vec<Node<'p>>,
    },
    /// `a && b && …`; the operands are its children.
    And,
    /// `a || b || …`; the operands are its children.
    Or,
    /// A list; the elements are its children.
    List,
    /// A map; keys and values are its children, in turn.
    Map,
    /// The loop that a macro became; its children are range, start, condition, step and result.
    Fold,
}

impl<'p> Node<'p> {
    pub(crate) fn new(expr: &'p Expr) -> Node<'p> {
        Node(expr)
    }

    /// What this node is.
    pub fn kind(self) -> Kind<'p> {
        match &self.0.kind {
            ExprKind::Literal(literal) => Kind::Literal(constant(literal)),
            ExprKind::Ident(name) => Kind::Name(name.trim_start_matches('.')),
            ExprKind::Select { operand, field, test } => {
                Kind::Select { operand: Node(operand), field, presence: *test }
            }
            ExprKind::Call { function, target, arguments } => Kind::Call {
                function: function.trim_start_matches('.'),
                target: target.as_deref().map(Node),
                arguments: arguments.iter().map(Node).collect(),
            },
            ExprKind::Logic { conjunction: true, .. } => Kind::And,
            ExprKind::Logic { conjunction: false, .. } => Kind::Or,
            ExprKind::List(_) => Kind::List,
            // The checker refuses messages, so that no program has one.
            ExprKind::Map(_) | ExprKind::Struct(..) => Kind::Map,
            ExprKind::Comprehension(_) => Kind::Fold,
        }
    }

    /// The nodes directly below, in the order of the text.
    pub fn children(self) -> Vec<Node<'p>> {
        let mut children = Vec::new();
        self.0.for_each_child(&mut |child| children.push(Node(child)));
        children
    }
}

fn constant(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(text) => Value::String(Text::Borrowed(text)),
        Literal::Bytes(bytes) => Value::Bytes(bytes.clone()),
    }
}
