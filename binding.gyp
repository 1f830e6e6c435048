{
  "target_defaults": {
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++20", "-Wall", "-Wextra"],
    "cflags": ["-fvisibility=hidden"],
    "include_dirs": ["native"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
      "CLANG_CXX_LIBRARY": "libc++",
      "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "11.0",
      "WARNING_CFLAGS": ["-Wall", "-Wextra"]
    }
  },
  "targets": [
    {
      # The engine: everything below native/ that does not know Node.
      "target_name": "apogee_engine",
      "type": "static_library",
      "sources": [
        "<!@(node -p \"['base','io','format','filter','log','flush','queue','index','store'].flatMap((d) => fs.readdirSync('native/' + d, { recursive: true }).filter((f) => f.endsWith('.cc')).sort().map((f) => 'native/' + d + '/' + f)).join(' ')\")"
      ]
    },
    {
      # The addon: build/Release/apogee_store.node.
      "target_name": "apogee_store",
      "dependencies": ["apogee_engine"],
      "sources": [
        "<!@(node -p \"fs.readdirSync('native/addon').filter((f) => f.endsWith('.cc')).sort().map((f) => 'native/addon/' + f).join(' ')\")"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      # In a worker that is being terminated nothing can be thrown any more; that must not end the process.
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "conditions": [
        ["OS=='linux'", {
          # A worker that ends unloads its addons; code of this one must outlive whatever still returns into it.
          "ldflags": ["-Wl,-z,nodelete", "-Wl,--exclude-libs,ALL"]
        }]
      ]
    }
  ]
}
