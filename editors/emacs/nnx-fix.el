;;; nnx-fix.el --- nnx-fix with eglot  -*- lexical-binding: t; -*-

;; Eglot is part of Emacs since 29. It runs one server for a buffer: this is nnx-fix alone. To have it beside another one,
;; run that one's flake8 with the plugin (pylsp), or join the servers with a multiplexer such as lspx or rassumfrassum.

;;; Code:

(require 'eglot)

(add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . ("nnx-fix" "server")))

(setq-default eglot-workspace-configuration
              '(:nnx (:unsafeFixes :json-false)))

(add-hook 'python-base-mode-hook #'eglot-ensure)

;; Repair what can be repaired safely before each save:
;; (add-hook 'before-save-hook (lambda () (eglot-code-actions nil nil "source.fixAll.nnx" t)))

(provide 'nnx-fix)
;;; nnx-fix.el ends here
