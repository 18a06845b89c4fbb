// What the client uses that Newtonsoft.Json 6 of Debian lacks; leave this file out with a newer one. All members of the
// contract have names of their own, so that a strategy for names has nothing to do.
namespace JsonSubTypes { }

namespace Engagement
{
    class CamelCaseNamingStrategy
    {
        public bool OverrideSpecifiedNames { get; set; }
    }

    class DefaultContractResolver : Newtonsoft.Json.Serialization.DefaultContractResolver
    {
        public CamelCaseNamingStrategy NamingStrategy { get; set; }
    }
}
