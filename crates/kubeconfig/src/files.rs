//! Reads the user's kubeconfigs and merges them as client-go does
//! (`tools/clientcmd/loader.go`, `config.go`).

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use located_yaml::typed;
use serde_json::Value;

use crate::{
    KubeconfigFault, Places,
    context::{ClusterEntry, Content, Context, ContextFields, UserEntry},
    edit,
};

/// Reads a file; `None` if it does not exist.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Option<String>>;

/// The kubeconfigs that exist, in client-go's order: the first file that has an entry wins, and it
/// wins whole.
pub struct Files(Vec<(PathBuf, Content)>);

impl Files {
    /// Reads the files at `places`.
    pub fn read(places: &Places, read: ReadFile<'_>) -> Result<Self, KubeconfigFault> {
        let mut files = Vec::new();
        for path in places.paths() {
            if let Some(text) = text(places, path, read)? {
                files.push((path.clone(), content(path, &text)?));
            }
        }
        Ok(Self(files))
    }

    /// The files that exist.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// The current context's name, if there is one.
    pub fn current_context(&self) -> Option<&str> {
        let mut names = self.0.iter().filter_map(|(_, file)| file.current_context.as_deref());
        names.find(|name| !name.is_empty())
    }

    /// The names of all contexts, each once.
    pub fn context_names(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        self.contexts().map(|(_, name, _)| name).filter(move |name| seen.insert(*name))
    }

    /// The names of all contexts whose user is `user`.
    pub fn contexts_of<'f>(&'f self, user: &'f str) -> impl Iterator<Item = &'f str> {
        self.context_names()
            .filter(move |name| self.context(name).is_some_and(|found| found.user_name == user))
    }

    /// The context `name`.
    pub fn context(&self, name: &str) -> Option<Context> {
        let (path, _, fields) = self.contexts().find(|(_, known, _)| *known == name)?;
        Some(Context {
            name: name.to_owned(),
            file: path.to_owned(),
            user_name: fields.user.clone(),
            cluster_name: fields.cluster.clone(),
            cluster: self.cluster(&fields.cluster),
            user: self.user(&fields.user),
        })
    }

    /// The names of all clusters, each once.
    pub fn cluster_names(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        let clusters = self.0.iter().flat_map(|(_, file)| file.clusters.iter().flatten());
        clusters.map(|entry| entry.name.as_str()).filter(move |name| seen.insert(*name))
    }

    fn contexts(&self) -> impl Iterator<Item = (&Path, &str, &ContextFields)> {
        self.0.iter().flat_map(|(path, file)| {
            let entries = file.contexts.iter().flatten();
            entries.map(|entry| (path.as_path(), entry.name.as_str(), &entry.context))
        })
    }

    fn cluster(&self, name: &str) -> Option<ClusterEntry> {
        let (path, entry) = self
            .0
            .iter()
            .flat_map(|(path, file)| file.clusters.iter().flatten().map(move |e| (path, e)))
            .find(|(_, entry)| entry.name == name)?;
        let mut cluster = entry.cluster.clone();
        // client-go's `ResolveLocalPaths`: a relative path starts at the kubeconfig's folder.
        cluster.certificate_authority = cluster
            .certificate_authority
            .filter(|file| !file.as_os_str().is_empty())
            .map(|file| path.parent().map_or(file.clone(), |folder| folder.join(&file)));
        Some(cluster)
    }

    fn user(&self, name: &str) -> Option<UserEntry> {
        let (path, entry) = self
            .0
            .iter()
            .flat_map(|(path, file)| file.users.iter().flatten().map(move |e| (path, e)))
            .find(|(_, entry)| entry.name == name)?;
        Some(entry.user.entry(path.clone()))
    }
}

/// The kubeconfigs with the values of their user entries, for a change.
pub struct FilesToChange {
    /// The same files, read.
    pub files: Files,
    values: Vec<Value>,
    default_file: PathBuf,
}

/// A user entry as it is written.
pub struct WrittenUser<'f> {
    /// Its file.
    pub file: &'f Path,
    /// Its name.
    pub name: &'f str,
    /// The value of `user:`, if any.
    pub value: Option<&'f Value>,
}

impl FilesToChange {
    /// As [`Files::read`]; but no file needs to exist, as adding an entry creates it. A file that
    /// cannot be edited is an error.
    pub fn read(places: &Places, read: ReadFile<'_>) -> Result<Self, KubeconfigFault> {
        let (mut files, mut values) = (Vec::new(), Vec::new());
        for path in places.paths() {
            if let Some(text) = read(path).map_err(|source| failed(path, source))? {
                values.push(edit::value_of(&text).map_err(|fault| named(path, fault))?);
                files.push((path.clone(), content(path, &text)?));
            }
        }
        // client-go's `PathOptions.GetDefaultFilename`: the first that exists, else the last.
        let default_file = files.first().map(|(path, _)| path).or(places.paths().last());
        let default_file = default_file.cloned().ok_or(match places {
            Places::Listed(_) => KubeconfigFault::EmptyList,
            _ => KubeconfigFault::Nowhere,
        })?;
        Ok(Self { files: Files(files), values, default_file })
    }

    /// Whether none of them exists.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The file for an entry that no file has yet.
    pub fn default_file(&self) -> &Path {
        &self.default_file
    }

    /// The user entry of that name.
    pub fn user(&self, name: &str) -> Option<WrittenUser<'_>> {
        self.users().find(|entry| entry.name == name)
    }

    /// Every user entry in effect: the first one of each name.
    pub fn users(&self) -> impl Iterator<Item = WrittenUser<'_>> {
        let mut seen = HashSet::new();
        self.files
            .paths()
            .zip(&self.values)
            .flat_map(|(file, value)| {
                let items = value.get("users").and_then(Value::as_array).into_iter().flatten();
                items.filter_map(move |entry| {
                    let name = entry.get("name")?.as_str()?;
                    let value = entry.get("user").filter(|user| !user.is_null());
                    Some(WrittenUser { file, name, value })
                })
            })
            .filter(move |entry| seen.insert(entry.name))
    }
}

/// The text of a file, if it exists.
fn text(
    places: &Places,
    path: &Path,
    read: ReadFile<'_>,
) -> Result<Option<String>, KubeconfigFault> {
    let text = read(path).map_err(|source| failed(path, source))?;
    if text.is_none() && matches!(places, Places::Named(_)) {
        return Err(failed(path, io::ErrorKind::NotFound.into()));
    }
    Ok(text)
}

fn failed(path: &Path, source: io::Error) -> KubeconfigFault {
    KubeconfigFault::Read { path: path.to_owned(), source }
}

/// Names the file that is not YAML.
fn named(path: &Path, fault: KubeconfigFault) -> KubeconfigFault {
    match fault {
        KubeconfigFault::NotYaml(source) => {
            KubeconfigFault::Malformed { path: path.to_owned(), source }
        }
        other => other,
    }
}

/// Parses a file as kubectl does. One with nothing but comments is empty.
fn content(path: &Path, text: &str) -> Result<Content, KubeconfigFault> {
    if !edit::has_content(text) {
        return Ok(Content::default());
    }
    let content: Content = typed::read_as_kubectl(text)
        .map_err(|source| KubeconfigFault::Malformed { path: path.to_owned(), source })?;
    let lists = [
        ("context", names(content.contexts.as_deref(), |entry| &entry.name)),
        ("cluster", names(content.clusters.as_deref(), |entry| &entry.name)),
        ("user", names(content.users.as_deref(), |entry| &entry.name)),
    ];
    for (kind, names) in lists {
        let mut seen = HashSet::new();
        if let Some(name) = names.into_iter().find(|name| !seen.insert(*name)) {
            let (path, name) = (path.to_owned(), name.to_owned());
            return Err(KubeconfigFault::Duplicate { path, kind, name });
        }
    }
    Ok(content)
}

fn names<T>(list: Option<&[T]>, name: impl Fn(&T) -> &String) -> Vec<&str> {
    list.unwrap_or_default().iter().map(|entry| name(entry).as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads these texts as files.
    fn reads<'a>(files: &'a [(&str, &str)]) -> impl Fn(&Path) -> io::Result<Option<String>> + 'a {
        move |path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            Ok(found.map(|(_, text)| (*text).to_owned()))
        }
    }

    fn listed(names: &[&str]) -> Places {
        Places::of(None, Some(std::env::join_paths(names).unwrap()), None)
    }

    #[test]
    fn the_first_file_that_has_something_wins_and_oddities_are_kept() {
        let files = [
            (
                "/f/first",
                "current-context: ''\nclusters:\n- name: c\n  cluster: {server: http://a, certificate-authority: ca.pem}\n",
            ),
            (
                "/f/second",
                "current-context: x\ncontexts:\n- {name: x, context: {cluster: c, user: u}}\n\
             - {name: y, context: {cluster: none, user: none}}\n- {name: z}\n\
             clusters:\n- {name: c, cluster: {server: https://b}}\n\
             users:\n- name: u\n  user:\n    token: abc\n    client-certificate: ''\n    \
             auth-provider: {name: oidc}\n    exec: {command: kubectl-login, apiVersion: v9}\n",
            ),
        ];
        let places = listed(&["/f/first", "/f/missing", "/f/second"]);
        let files = Files::read(&places, &reads(&files)).unwrap();
        assert_eq!(files.paths().count(), 2);
        assert_eq!(files.current_context(), Some("x"));
        assert_eq!(files.context_names().collect::<Vec<_>>(), ["x", "y", "z"]);
        let context = files.context("x").unwrap();
        let cluster = context.cluster.unwrap();
        assert_eq!(cluster.server, "http://a");
        assert_eq!(cluster.certificate_authority, Some(PathBuf::from("/f/ca.pem")));
        let user = context.user.unwrap();
        assert_eq!(
            (user.other_credentials, user.file),
            (vec!["token"], PathBuf::from("/f/second"))
        );
        assert_eq!(user.auth_provider.as_deref(), Some("oidc"));
        assert_eq!(user.exec.unwrap().api_version.as_deref(), Some("v9"));
        let empty = files.context("y").unwrap();
        assert_eq!((empty.cluster, empty.user), (None, None));
        let nameless = files.context("z").unwrap();
        assert_eq!((nameless.user_name.as_str(), nameless.cluster_name.as_str()), ("", ""));
        assert!(files.context("nothing").is_none());
        assert!(Files::read(&Places::of(Some("missing"), None, None), &reads(&[])).is_err());
    }

    /// What `kubectl config view` of 1.37 says of the same files.
    #[test]
    fn files_are_taken_and_refused_as_by_kubectl() {
        let context = "current-context: a\n";
        let two = |list: &str| format!("{list}:\n- {{name: a}}\n- {{name: a}}\n");
        for (text, expected) in [
            (String::new(), Ok(None)),
            ("   \n".to_owned(), Ok(None)),
            ("# mine\n".to_owned(), Ok(None)),
            ("# mine\n---\n".to_owned(), Ok(None)),
            (format!("# mine\n---\n{context}"), Ok(Some("a"))),
            ("{}".to_owned(), Ok(None)),
            ("current-context: null\nusers: null\n".to_owned(), Ok(None)),
            (format!("{context}users: [{{name: null, user: null}}]\n"), Ok(Some("a"))),
            (format!("{context}users: [{{}}]\n"), Ok(Some("a"))),
            (two("users"), Err("has two entries for the user `a`")),
            (two("contexts"), Err("has two entries for the context `a`")),
            (two("clusters"), Err("has two entries for the cluster `a`")),
            ("users: {}".to_owned(), Err("is not valid YAML")),
        ] {
            let (places, file) = (Places::of(Some("config"), None, None), [("config", &*text)]);
            let files = Files::read(&places, &reads(&file));
            match (files, expected) {
                (Ok(files), Ok(name)) => assert_eq!(files.current_context(), name, "{text}"),
                (Err(error), Err(message)) => {
                    assert!(error.to_string().ends_with(message), "{text}: {error}");
                }
                (files, _) => panic!("{text}: {:?}", files.err()),
            }
            let to_change = FilesToChange::read(&places, &reads(&file));
            assert_eq!(to_change.is_ok(), expected.is_ok(), "{text}");
        }
    }

    #[test]
    fn an_empty_list_is_no_kubeconfig_and_not_the_standard_one() {
        let empty = Places::of(None, Some(":".into()), Some("/home/a".into()));
        assert_eq!(Files::read(&empty, &reads(&[])).unwrap().paths().count(), 0);
        let refused = FilesToChange::read(&empty, &reads(&[])).err().unwrap();
        assert!(matches!(refused, KubeconfigFault::EmptyList), "{refused}");
        let nowhere = Places::of(None, None, None);
        let nowhere = FilesToChange::read(&nowhere, &reads(&[])).err().unwrap();
        assert!(matches!(nowhere, KubeconfigFault::Nowhere), "{nowhere}");
    }
}
